package steam

// ParseAnswer parses an answer about items and collections as the client does.
func ParseAnswer(body []byte) (files []PublishedFile, collections map[string][]Child, err error) {
	var r listMessage
	if err := decode(body, &r); err != nil {
		return nil, nil, err
	}
	collections = map[string][]Child{}
	for _, raw := range r.Files {
		files = append(files, parseFile(raw))
	}
	for _, raw := range r.Entries {
		id, _, children := parseCollection(raw)
		collections[id] = children
	}
	return files, collections, nil
}
