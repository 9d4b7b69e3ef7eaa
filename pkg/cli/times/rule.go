package times

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/source"
	"github.com/quorate/quorate/pkg/cli/tool"
)

// Exit codes of a rule that is not in effect or about which nothing can be said.
const (
	exitUnimplemented = 3
	exitExpired       = 110
	exitNotYet        = 111
	exitUndetermined  = 112
)

// queryTimeout bounds the wait for the daemon.
const queryTimeout = 30 * time.Second

// NewRule returns the command crm_rule.
func NewRule(env *cli.Env) *cobra.Command {
	var check bool
	var text, date string
	var ids []string
	c, _ := tool.Command(env, "crm_rule", "crm_rule -c -r ID [-d DATE]", "whether rules of the configuration are in effect",
		`crm_rule tells of rules with one date expression whether they are in effect, have
expired, or have not yet taken effect, now or at a date. The exit code is 0, 110 or 111;
of several rules the last counts, 3 means that this cannot be
told.`,
		func(ctx context.Context, t *tool.Tool, _ []string) error {
			switch {
			case !check:
				return tool.Usage("No mode operation given")
			case len(ids) == 0:
				return tool.Usage("--check requires use of --rule=")
			}
			now := time.Now()
			if date != "" {
				d, err := cib.ParseTime(date, now)
				if err != nil {
					return cli.Exitf(cli.ExitDataErr, "Invalid date specified: '%s'", date)
				}
				now = d
			}
			root, err := ruleSource(ctx, env, text)
			if err != nil {
				return err
			}
			return checkRules(t, root, ids, now)
		})
	f := c.Flags()
	f.BoolVarP(&check, "check", "c", false, "tell whether the rules are in effect")
	f.StringVarP(&text, "xml-text", "X", "", "the document as `TEXT`, or - for standard input")
	f.StringVarP(&date, "date", "d", "", "at this `DATE` instead of now")
	f.StringArrayVarP(&ids, "rule", "r", nil, "the `ID` of a rule; may be given several times")
	return c
}

func ruleSource(ctx context.Context, env *cli.Env, text string) (*cib.Element, error) {
	if text != "" {
		if text == "-" {
			return source.XML(env, "", "", true)
		}
		return source.XML(env, text, "", false)
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	doc, err := source.Load(ctx, env, source.Source{})
	if err != nil {
		return nil, err
	}
	return doc.Root, nil
}

func checkRules(t *tool.Tool, root *cib.Element, ids []string, now time.Time) error {
	code := cli.ExitOK
	for _, id := range ids {
		rc, words := ruleState(root, id, now)
		switch rc {
		case cli.ExitOK, exitExpired, exitNotYet:
			t.Printf("Rule %s %s\n", id, words)
		default:
			t.Say("Could not determine whether rule %s is in effect: %s", id, words)
		}
		t.Add(cib.New("rule-check", "rule-id", id, "rc", itoa(rc)))
		code = rc
	}
	if code == cli.ExitOK {
		return nil
	}
	return &cli.Exit{Code: code, Err: errors.New("")}
}

// ruleState tells what there is to say about a rule with one date expression.
func ruleState(root *cib.Element, id string, now time.Time) (int, string) {
	var rules, dates []*cib.Element
	root.Walk(func(e *cib.Element) bool {
		if e.Name == "rule" && e.ID() == id {
			rules = append(rules, e)
		}
		return true
	})
	switch len(rules) {
	case 0:
		return cli.ExitNoSuchObject, "Rule not found"
	case 1:
	default:
		return exitUndetermined, "The id is not unique"
	}
	rules[0].Walk(func(e *cib.Element) bool {
		if e.Name == "date_expression" {
			dates = append(dates, e)
		}
		return true
	})
	switch len(dates) {
	case 0:
		return exitUnimplemented, "Rule does not have a date expression"
	case 1:
	default:
		return exitUnimplemented, "Rule must have exactly one date expression"
	}
	e := dates[0]
	if e.Get("operation") == "date_spec" {
		spec := e.First("date_spec")
		if _, ok := spec.Lookup("years"); !ok || hasAttr(spec, "moon") {
			return exitUnimplemented, "Rule must either not use date_spec, or use date_spec with years= but not moon="
		}
		return yearsState(spec.Get("years"), now)
	}
	start, err1 := optionalTime(e.Get("start"), now)
	end, err2 := optionalTime(e.Get("end"), now)
	if err1 != nil || err2 != nil {
		return cli.ExitDataErr, errors.Join(err1, err2).Error()
	}
	if d := e.First("duration"); d != nil && end.IsZero() && !start.IsZero() {
		end = spanOf(d).After(start)
	}
	switch op := e.Get("operation"); op {
	case "gt":
		if !start.IsZero() && !now.After(start) {
			return exitNotYet, "has not yet taken effect"
		}
	case "lt":
		if !end.IsZero() && !now.Before(end) {
			return exitExpired, "is expired"
		}
	case "", "in_range":
		if !start.IsZero() && now.Before(start) {
			return exitNotYet, "has not yet taken effect"
		}
		if !end.IsZero() && now.After(end) {
			return exitExpired, "is expired"
		}
	default:
		return exitUndetermined, "Unknown operation " + op
	}
	return cli.ExitOK, "is still in effect"
}

func hasAttr(e *cib.Element, name string) bool { _, ok := e.Lookup(name); return ok }

func optionalTime(v string, now time.Time) (time.Time, error) {
	if v == "" {
		return time.Time{}, nil
	}
	return cib.ParseTime(v, now)
}

// spanOf reads a <duration> element.
func spanOf(e *cib.Element) cib.Span {
	n := func(name string) int { return atoi(e.Get(name)) }
	return cib.Span{Years: n("years"), Months: n("months"), Days: n("days") + 7*n("weeks"),
		Seconds: 3600*n("hours") + 60*n("minutes") + n("seconds")}
}

// yearsState compares the present year with "2020", "2020-", "-2020" or
// "2020-2030".
func yearsState(v string, now time.Time) (int, string) {
	from, to := v, v
	for i := range v {
		if v[i] == '-' {
			from, to = v[:i], v[i+1:]
			break
		}
	}
	switch year := now.Year(); {
	case from != "" && year < atoi(from):
		return exitNotYet, "has not yet taken effect"
	case to != "" && year > atoi(to):
		return exitExpired, "is expired"
	}
	return cli.ExitOK, "satisfies conditions"
}
