package guard

// What is decoded whole may hold this much. A value that takes two bytes of JSON takes fifty and more when it is decoded.
const (
	MaxValues = 1000
	MaxWhole  = 64 << 10 // bytes
)

// TooMuch is what is wrong with JSON that is Heavy.
const TooMuch = "is longer than 65536 bytes or has more than 1000 values"

// Heavy says whether there is more in JSON than is decoded whole. On invalid JSON it may be wrong; the parser that follows
// finds the fault.
func Heavy(raw []byte) bool {
	if len(raw) > MaxWhole {
		return true
	}
	values, inString := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case !inString && (c == ',' || c == '[' || c == '{'):
			values++
		}
	}
	return values > MaxValues
}
