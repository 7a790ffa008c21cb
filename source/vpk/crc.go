package vpk

// The CRC-32 of two texts, one behind the other, from those of each: what a register holds after n zero bits is a
// linear function of what it held before, so n zero bits are a matrix, and twice as many its square.

const polynomial = 0xedb88320 // IEEE, reflected

type matrix [32]uint32 // columns, over GF(2)

func (m *matrix) times(v uint32) (sum uint32) {
	for i := 0; v != 0; i, v = i+1, v>>1 {
		if v&1 != 0 {
			sum ^= m[i]
		}
	}
	return sum
}

func (m *matrix) square() (s matrix) {
	for i := range m {
		s[i] = m.times(m[i])
	}
	return s
}

// zeros has the matrices for 1, 2, 4, … zero bytes.
var zeros = func() (z [33]matrix) {
	var bit matrix
	bit[0] = polynomial
	for i := 1; i < 32; i++ {
		bit[i] = 1 << (i - 1)
	}
	two := bit.square()
	four := two.square()
	z[0] = four.square()
	for i := 1; i < len(z); i++ {
		z[i] = z[i-1].square()
	}
	return z
}()

// joinCRC is the CRC-32 of two texts of which the second has n bytes, less than 1<<33.
func joinCRC(first, second uint32, n int64) uint32 {
	for i := 0; n > 0; i, n = i+1, n>>1 {
		if n&1 != 0 {
			first = zeros[i].times(first)
		}
	}
	return first ^ second
}
