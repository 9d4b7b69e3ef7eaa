package alert

import (
	"fmt"
	"strings"
	"time"
)

// layouts are conversions of date(1) that time.Format has too.
var layouts = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'e': "_2", 'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM", 'P': "pm",
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'h': "Jan", 'B': "January", 'j': "002", 'Z': "MST", 'z': "-0700",
	'D': "01/02/06", 'x': "01/02/06", 'F': "2006-01-02", 'T': "15:04:05", 'X': "15:04:05", 'R': "15:04", 'r': "03:04:05 PM", 'c': "Mon Jan _2 15:04:05 2006",
}

// timestamp prints a time in a format of date(1), in the C locale. %N takes a
// number of digits, as in %06N. What is not known is left as it stands.
func timestamp(format string, t time.Time) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		j, digits := i+1, 0
		for j < len(format) && format[j] >= '0' && format[j] <= '9' && j-i <= 3 {
			digits = digits*10 + int(format[j]-'0')
			j++
		}
		if j == len(format) {
			b.WriteString(format[i:])
			break
		}
		switch c := format[j]; {
		case c == 'N':
			s := fmt.Sprintf("%09d", t.Nanosecond())
			if digits > 0 && digits < len(s) {
				s = s[:digits]
			}
			b.WriteString(s)
		case c == 's':
			fmt.Fprint(&b, t.Unix())
		case c == 'k':
			fmt.Fprintf(&b, "%2d", t.Hour())
		case c == 'l':
			fmt.Fprintf(&b, "%2d", (t.Hour()+11)%12+1)
		case c == 'u':
			fmt.Fprint(&b, (int(t.Weekday())+6)%7+1)
		case c == 'w':
			fmt.Fprint(&b, int(t.Weekday()))
		case c == 'n':
			b.WriteByte('\n')
		case c == 't':
			b.WriteByte('\t')
		case c == '%':
			b.WriteByte('%')
		case layouts[c] != "":
			b.WriteString(t.Format(layouts[c]))
		default:
			b.WriteString(format[i : j+1])
		}
		i = j
	}
	return b.String()
}
