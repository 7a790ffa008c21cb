package vpk

// The CRC-32 of two concatenated texts can be computed from the CRC-32 of each: the effect of n zero
// bits on the register is a linear function, so it is a matrix, and the matrix for 2n bits is its
// square.

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

// zeros contains the matrices for 1, 2, 4, … zero bytes.
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

// joinCRC returns the CRC-32 of two concatenated texts. The second has n bytes, fewer than 1<<33.
func joinCRC(first, second uint32, n int64) uint32 {
	for i := 0; n > 0; i, n = i+1, n>>1 {
		if n&1 != 0 {
			first = zeros[i].times(first)
		}
	}
	return first ^ second
}
