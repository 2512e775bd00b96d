package find

import (
	"slices"
	"strings"
	"unicode"

	"twilio-proxy-mcp/schema"
)

// A person is somebody who is looked for in a Session, by a name or by the digits of an identifier.
type person struct {
	asked
	anybody bool
	number  string // the digits of a whole identifier; "" when the text is none
	last    string // the last four digits of an identifier; "" without
	besides asked  // what the name has to fit when last has words in front that mean something
}

func askPerson(text string) person {
	p := person{asked: ask(text), anybody: text == ""}
	if digits := strings.Join(p.words, ""); isDigits(digits) && len(digits) > 4 {
		p.number = digits
	}
	if n := len(p.words) - 1; n >= 0 && len(p.words[n]) == 4 && isDigits(p.words[n]) {
		p.last = p.words[n]
		p.besides = ask(strings.Join(slices.DeleteFunc(slices.Clone(p.words[:n]), introducesDigits), " "))
	}
	return p
}

// introducesDigits is true of the words in "the number ending in 0001" that say nothing about who it is.
func introducesDigits(word string) bool {
	switch word {
	case "the", "one", "phone", "number", "with", "that", "whose", "ending", "ends", "in", "last", "four", "4", "digits", "are":
		return true
	default:
		return false
	}
}

// rank compares a Participant. Digits fit the identifier as a name that has them would fit.
func (p person) rank(who *schema.Participant) rank {
	if p.anybody {
		return whole
	}
	fit := rankOf(p.asked, who.FriendlyName)
	if who.Identifier == nil {
		return fit
	}
	switch digits := digitsOf(*who.Identifier); {
	case *who.Identifier == p.text, p.number != "" && digits == p.number:
		return whole
	case p.last == "" || !strings.HasSuffix(digits, p.last):
		return fit
	case len(p.besides.words) == 0:
		return min(fit, part)
	default:
		return min(fit, max(part, rankOf(p.besides, who.FriendlyName)))
	}
}

// rankOf compares a name that nobody promises to be unique, so that none fits better than as a whole.
func rankOf(a asked, name *string) rank {
	if name == nil {
		return unlike
	}
	return max(whole, a.rank(*name))
}

func isDigits(text string) bool { return text != "" && digitsOf(text) == text }

func digitsOf(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}

// phoneDigits is the fewest digits that are taken for somebody's number.
const phoneDigits = 7

// identifier is a Participant's identifier as a result shows it: masked to its last four digits, or wholly when it has too
// few to hide the others.
func (f *Finder) identifier(text *string) *string {
	if text == nil || f.ShowIdentifiers {
		return name(text)
	}
	masked := "…"
	if digits := digitsOf(*text); len(digits) >= phoneDigits {
		masked += digits[len(digits)-4:]
	}
	return &masked
}

// friendlyName is a Participant's name as a result shows it. What may be a phone number in it is masked.
func (f *Finder) friendlyName(text *string) *string {
	if text == nil || f.ShowIdentifiers {
		return name(text)
	}
	masked := f.phones.ReplaceAllStringFunc(*text, func(number string) string {
		digits := slices.DeleteFunc([]rune(number), func(r rune) bool { return !unicode.IsDigit(r) })
		return "…" + string(digits[len(digits)-4:])
	})
	return name(&masked) // cut last, so that it is not cut within a number
}

// phonePattern finds runs of seven or more digits, with up to three characters other than letters between them.
const phonePattern = `\+?(?:\p{Nd}[^\p{L}\p{Nd}]{0,3}){6,}\p{Nd}`
