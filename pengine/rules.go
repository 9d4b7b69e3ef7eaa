package pengine

import (
	"strconv"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
)

// ruleData is what a rule may look at.
type ruleData struct {
	now  time.Time
	node *node
	// attrs replaces the attributes of node when node is nil.
	attrs map[string]string
	// hasNode tells that node attribute expressions can be evaluated.
	hasNode bool
	role    role
	params  map[string]string
	meta    map[string]string
	// resource and operation of rsc_expression and op_expression.
	hasRsc               bool
	class, provider, typ string
	hasOp                bool
	opName               string
	opInterval           int64
	// changes reports the next time at which a date expression may change.
	changes *time.Time
	matches []string // submatches of a pattern
}

// noteChange keeps the earliest time after now at which a rule may change.
func (d *ruleData) noteChange(t time.Time) {
	if d.changes != nil && t.After(d.now) && (d.changes.IsZero() || t.Before(*d.changes)) {
		*d.changes = t
	}
}

// rulesPass reports whether an element without rules, or with a rule that
// passes, applies.
func (s *scheduler) rulesPass(e *cib.Element, d *ruleData) bool {
	found := false
	for _, c := range e.Children {
		if c.Name == "rule" {
			found = true
			if s.ruleTrue(c, d) {
				return true
			}
		}
	}
	return !found
}

// ruleTrue evaluates one rule; a rule without expressions fails.
func (s *scheduler) ruleTrue(rule *cib.Element, d *ruleData) bool {
	return s.ruleTrueDepth(rule, d, 0)
}

func (s *scheduler) ruleTrueDepth(rule *cib.Element, d *ruleData, depth int) bool {
	rule = s.deref(rule)
	if depth > 256 {
		s.errorf("rule %s is nested more than 256 deep: it is taken as false", rule.ID())
		return false
	}
	or := strings.EqualFold(rule.Get("boolean-op"), "or")
	passed, empty := !or, true
	for _, c := range rule.Children {
		if !c.IsElement() {
			continue
		}
		empty = false
		ok := s.exprTrue(c, d, depth)
		if ok && or {
			return true
		}
		if !ok && !or {
			return false
		}
	}
	if empty {
		s.errorf("rule %s has no expression: it is taken as false", rule.ID())
		return false
	}
	return passed
}

func (s *scheduler) exprTrue(e *cib.Element, d *ruleData, depth int) bool {
	switch e.Name {
	case "rule":
		return s.ruleTrueDepth(e, d, depth+1)
	case "expression":
		return s.attrExpr(e, d)
	case "date_expression":
		return s.dateExpr(s.deref(e), d)
	case "rsc_expression":
		return rscExpr(e, d)
	case "op_expression":
		return opExpr(e, d)
	}
	s.errorf("rule element %s %q is unknown: it is taken as false", e.Name, e.ID())
	return false
}

func rscExpr(e *cib.Element, d *ruleData) bool {
	if !d.hasRsc {
		return false
	}
	if v, ok := e.Lookup("class"); ok && v != d.class {
		return false
	}
	// A missing provider matches agents without provider only.
	if e.Get("provider") != d.provider {
		return false
	}
	if v, ok := e.Lookup("type"); ok && v != d.typ {
		return false
	}
	return true
}

func opExpr(e *cib.Element, d *ruleData) bool {
	if !d.hasOp {
		return false
	}
	if e.Get("name") != d.opName {
		return false
	}
	if v, ok := e.Lookup("interval"); ok {
		if ms := parseSpan(v); ms != d.opInterval {
			return false
		}
	}
	return true
}

func (s *scheduler) attrExpr(e *cib.Element, d *ruleData) bool {
	attr, op := e.Get("attribute"), e.Get("operation")
	if attr == "" || op == "" {
		s.errorf("expression %s has no attribute or no operation: it is taken as false", e.ID())
		return false
	}
	if attr == "#role" {
		if d.role == roleUnknown {
			return false
		}
		value := parseRole(e.Get("value"))
		switch op {
		case "defined":
			return d.role > roleStarted
		case "not_defined":
			return d.role > roleUnknown && d.role < roleUnpromoted
		case "eq":
			return value == d.role
		case "ne":
			return !(d.role > roleUnknown && d.role < roleUnpromoted) && value != d.role
		}
		return false
	}
	if !d.hasNode {
		return false
	}
	attrs := d.attrs
	if d.node != nil {
		attrs = d.node.attrs
	}
	if len(d.matches) > 1 {
		attr = expandMatches(attr, d.matches)
	}
	left, defined := attrs[attr]
	right, rightOK := e.Lookup("value")
	if rightOK {
		switch e.Get("value-source") {
		case "param":
			right, rightOK = d.params[right]
		case "meta":
			right, rightOK = d.meta[right]
		}
	}
	switch op {
	case "defined":
		return defined
	case "not_defined":
		return !defined
	}
	c := 0
	switch {
	case defined && rightOK:
		c = s.compareValues(e, left, right, e.Get("type"), op)
	case !defined && !rightOK:
		c = 0
	case !rightOK:
		c = 1
	default:
		c = -1
	}
	switch op {
	case "eq":
		return c == 0
	case "ne":
		return c != 0
	}
	if !defined || !rightOK {
		return false
	}
	switch op {
	case "lt":
		return c < 0
	case "lte":
		return c <= 0
	case "gt":
		return c > 0
	case "gte":
		return c >= 0
	}
	s.errorf("expression %s has an unknown operation %q: it is taken as false", e.ID(), op)
	return false
}

func (s *scheduler) compareValues(e *cib.Element, left, right, typ, op string) int {
	if typ == "" {
		typ = "string"
		switch op {
		case "lt", "lte", "gt", "gte":
			typ = "integer"
			if strings.Contains(left, ".") || strings.Contains(right, ".") {
				typ = "number"
			}
		}
	}
	switch typ {
	case "integer":
		l, ok1 := scanInt(left)
		r, ok2 := scanInt(right)
		if ok1 && ok2 {
			switch {
			case l < r:
				return -1
			case l > r:
				return 1
			}
			return 0
		}
	case "number":
		l, ok1 := scanFloat(left)
		r, ok2 := scanFloat(right)
		if ok1 && ok2 {
			switch {
			case l < r:
				return -1
			case l > r:
				return 1
			}
			return 0
		}
	case "version":
		return compareVersions(left, right)
	}
	return strings.Compare(strings.ToLower(left), strings.ToLower(right))
}

func scanInt(v string) (int64, bool) {
	t := strings.TrimLeft(v, " \t\n")
	i := 0
	if i < len(t) && (t[i] == '-' || t[i] == '+') {
		i++
	}
	d := i
	for i < len(t) && t[i] >= '0' && t[i] <= '9' {
		i++
	}
	if i == d {
		return 0, false
	}
	n, err := strconv.ParseInt(t[:i], 10, 64)
	return n, err == nil
}

func scanFloat(v string) (float64, bool) {
	t := strings.TrimLeft(v, " \t\n")
	for i := len(t); i > 0; i-- {
		if f, err := strconv.ParseFloat(t[:i], 64); err == nil {
			return f, true
		}
	}
	return 0, false
}

// compareVersions compares dotted version numbers.
func compareVersions(a, b string) int {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := 0; i < len(x) || i < len(y); i++ {
		var l, r int64
		if i < len(x) {
			l = versionPart(x[i])
		}
		if i < len(y) {
			r = versionPart(y[i])
		}
		if l < r {
			return -1
		}
		if l > r {
			return 1
		}
	}
	return 0
}

// versionPart reads one part of a version; what is no number sorts first.
func versionPart(v string) int64 {
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// expandMatches replaces %0 to %9 by the submatches of a resource pattern.
func expandMatches(v string, m []string) string {
	if !strings.Contains(v, "%") {
		return v
	}
	var b strings.Builder
	for i := 0; i < len(v); i++ {
		if v[i] == '%' && i+1 < len(v) && v[i+1] >= '0' && v[i+1] <= '9' {
			if k := int(v[i+1] - '0'); k < len(m) {
				b.WriteString(m[k])
			}
			i++
			continue
		}
		b.WriteByte(v[i])
	}
	return b.String()
}

func (s *scheduler) dateExpr(e *cib.Element, d *ruleData) bool {
	now := d.now
	start, hasStart := parseDate(e.Get("start"), now.Location())
	end, hasEnd := parseDate(e.Get("end"), now.Location())
	op := e.Get("operation")
	if op == "" {
		op = "in_range"
	}
	if dur := s.deref(e.First("duration")); dur != nil && !hasEnd && hasStart {
		end, hasEnd = addDuration(start, dur), true
	}
	switch op {
	case "date_spec", "in_range":
		if op == "date_spec" {
			spec := e.First("date_spec")
			return spec != nil && dateSpec(s.deref(spec), now)
		}
		if !hasStart && !hasEnd {
			return false
		}
		if hasStart && now.Before(start) {
			d.noteChange(start)
			return false
		}
		if hasEnd && now.After(end) {
			return false
		}
		if hasEnd {
			d.noteChange(end.Add(time.Second))
		}
		return true
	case "gt":
		if !hasStart {
			return false
		}
		if now.After(start) {
			return true
		}
		d.noteChange(start.Add(time.Second))
		return false
	case "lt":
		if !hasEnd {
			return false
		}
		if now.Before(end) {
			d.noteChange(end)
			return true
		}
		return false
	}
	s.errorf("date_expression %s has an unknown operation %q: it is taken as false", e.ID(), op)
	return false
}

func dateSpec(e *cib.Element, now time.Time) bool {
	year, week := now.ISOWeek()
	wd := int(now.Weekday())
	if wd == 0 {
		wd = 7
	}
	values := map[string]int{
		"seconds": now.Second(), "minutes": now.Minute(), "hours": now.Hour(),
		"monthdays": now.Day(), "months": int(now.Month()), "years": now.Year(),
		"yeardays": now.YearDay(), "weekyears": year, "weeks": week, "weekdays": wd,
		"moon": moonPhase(now),
	}
	for _, a := range e.Attrs {
		v, ok := values[a.Name]
		if !ok {
			continue
		}
		lo, hi := -1, -1
		if i := strings.IndexByte(a.Value, '-'); i >= 0 {
			if i > 0 {
				lo = int(parseInt(a.Value[:i]))
			}
			if i+1 < len(a.Value) {
				hi = int(parseInt(a.Value[i+1:]))
			}
		} else {
			lo = int(parseInt(a.Value))
			hi = lo
		}
		if lo >= 0 && v < lo || hi >= 0 && v > hi {
			return false
		}
	}
	return true
}

func addDuration(t time.Time, e *cib.Element) time.Time {
	n := func(k string) int { return int(parseInt(e.Get(k))) }
	t = t.AddDate(n("years"), n("months"), n("days")+7*n("weeks"))
	return t.Add(time.Duration(n("hours"))*time.Hour + time.Duration(n("minutes"))*time.Minute +
		time.Duration(n("seconds"))*time.Second)
}

// ParseTime reads a date and time of ISO 8601 in the forms that CIBs use
// (calendar, ordinal and week dates); without a zone it is in loc.
func ParseTime(v string, loc *time.Location) (time.Time, bool) { return parseDate(v, loc) }

func parseDate(v string, loc *time.Location) (time.Time, bool) {
	v = strings.TrimSpace(v)
	if v == "" {
		return time.Time{}, false
	}
	if strings.EqualFold(v, "epoch") {
		return time.Unix(0, 0).In(loc), true
	}
	date, clock := v, ""
	if i := strings.IndexAny(v, "T "); i >= 0 {
		date, clock = v[:i], strings.TrimSpace(v[i+1:])
	}
	var day time.Time
	year, rest, ok := digits(date, 4)
	if !ok {
		return time.Time{}, false
	}
	rest = strings.TrimPrefix(rest, "-")
	switch {
	case strings.HasPrefix(rest, "W"):
		w, r2, ok := digits(rest[1:], 2)
		if !ok {
			return time.Time{}, false
		}
		r2 = strings.TrimPrefix(r2, "-")
		wd := 1
		if r2 != "" {
			wd = int(parseInt(r2))
		}
		jan4 := time.Date(year, 1, 4, 0, 0, 0, 0, loc)
		off := (int(jan4.Weekday()) + 6) % 7
		day = jan4.AddDate(0, 0, -off+7*(w-1)+wd-1)
	case len(rest) == 3 && !strings.Contains(rest, "-"):
		n, _, ok := digits(rest, 3)
		if !ok {
			return time.Time{}, false
		}
		day = time.Date(year, 1, 1, 0, 0, 0, 0, loc).AddDate(0, 0, n-1)
	case rest == "":
		day = time.Date(year, 1, 1, 0, 0, 0, 0, loc)
	default:
		m, r2, ok := digits(rest, 2)
		if !ok {
			m, r2, ok = digits(rest, 1)
		}
		if !ok {
			return time.Time{}, false
		}
		dd := 1
		if r2 = strings.TrimPrefix(r2, "-"); r2 != "" {
			dd = int(parseInt(r2))
		}
		if m < 1 || m > 12 || dd < 1 || dd > 31 {
			return time.Time{}, false
		}
		day = time.Date(year, time.Month(m), dd, 0, 0, 0, 0, loc)
	}
	zone := loc
	if clock != "" {
		if i := strings.IndexAny(clock, "Zz"); i >= 0 {
			clock, zone = strings.TrimSpace(clock[:i]), time.UTC
		} else if i := strings.LastIndexAny(clock, "+-"); i > 0 {
			// An offset counts only where a blank precedes it.
			z := strings.ReplaceAll(clock[i+1:], ":", "")
			sign := 1
			if clock[i] == '-' {
				sign = -1
			}
			h, r, _ := digits(z, 2)
			m, _, _ := digits(r, 2)
			if clock[i-1] == ' ' {
				zone = time.FixedZone("", sign*(h*3600+m*60))
			}
			clock = strings.TrimSpace(clock[:i])
		}
	}
	var h, m, sec int
	if clock != "" {
		c := strings.ReplaceAll(clock, ":", "")
		h, c, ok = digits(c, 2)
		if !ok {
			return time.Time{}, false
		}
		m, c, _ = digits(c, 2)
		sec, _, _ = digits(c, 2)
		if h > 24 || m > 59 || sec > 60 {
			return time.Time{}, false
		}
	}
	return time.Date(day.Year(), day.Month(), day.Day(), h, m, sec, 0, zone), true
}

func digits(s string, n int) (int, string, bool) {
	if len(s) < n {
		return 0, s, false
	}
	v := 0
	for i := 0; i < n; i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, s, false
		}
		v = v*10 + int(s[i]-'0')
	}
	return v, s[n:], true
}

// parseISODuration reads a duration such as P1DT2H; years and months count 365
// and 30 days.
func parseISODuration(v string) (time.Duration, bool) {
	if !strings.HasPrefix(v, "P") {
		return 0, false
	}
	var total time.Duration
	inTime := false
	rest := v[1:]
	for rest != "" {
		if rest[0] == 'T' {
			inTime, rest = true, rest[1:]
			continue
		}
		i := 0
		for i < len(rest) && rest[i] >= '0' && rest[i] <= '9' {
			i++
		}
		if i == 0 || i == len(rest) || i > 9 {
			return 0, false
		}
		n := time.Duration(parseInt(rest[:i]))
		unit := time.Duration(0)
		switch rest[i] {
		case 'Y':
			unit = 365 * 24 * time.Hour
		case 'M':
			unit = 30 * 24 * time.Hour
			if inTime {
				unit = time.Minute
			}
		case 'W':
			unit = 7 * 24 * time.Hour
		case 'D':
			unit = 24 * time.Hour
		case 'H':
			unit = time.Hour
		case 'S':
			unit = time.Second
		}
		if unit == 0 {
			return 0, false
		}
		total += n * unit
		rest = rest[i+1:]
	}
	return total, true
}
