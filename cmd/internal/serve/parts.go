package serve

// parts are one message to the client in up to three pieces, which are sent one after the other: a tool's result stays
// where the tool put it. Copied into one piece with what is around it, it was a tenth of all that a call allocates.
// The zero value is no message.
type parts [3][]byte

func (p parts) isNone() bool { return p[0] == nil }

func (p parts) size() int { return len(p[0]) + len(p[1]) + len(p[2]) }

// around puts a result between head and the end of a JSON object.
func around(head, result []byte) parts {
	head = append(head, '}')
	last := len(head) - 1
	return parts{head[:last:last], result, head[last:]}
}
