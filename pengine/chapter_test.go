package pengine_test

import (
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
	"github.com/quorate/quorate/pengine/oraclefuzz"
)

// manual is one sentence of a chapter of Pacemaker Explained as a small cluster
// and what the policy engine must plan for it.
type manual struct {
	// says is the option or rule, with what the manual states of it.
	says string
	// options are cluster options, "name=value" separated by blanks; fencing is
	// off unless fence is set, which adds a device that runs on the first node.
	options string
	fence   bool
	// noQuorum tells that the cluster has no quorum.
	noQuorum bool
	// nodes are names, separated by blanks; "n1 n2" when empty. "n!" is lost,
	// "n-" has left. A "(name=value,…)" holds permanent attributes, "[…]"
	// transient ones, "{…}" capacities.
	nodes string
	// resources, constraints and more (children of the configuration) are XML;
	// a plain word in resources is a primitive.
	resources, constraints, more string
	// history: "node:resource=state …" with the states started, promoted, a
	// failed operation as monitor!1 (10 s monitor, return code 1) or start!5, and
	// forgotten; what is not named was probed as stopped.
	history string
	// tickets is XML.
	tickets string
	// want are the planned actions but monitors, sorted: "r_start_0 on n1, …".
	want string
	// status is text that the status shows, "" for none.
	status string
}

var nodeSpec = regexp.MustCompile(`([a-z0-9]+)([!-]?)(?:\(([^)]*)\))?(?:\[([^\]]*)\])?(?:\{([^}]*)\})?`)

func nvSet(elem, id, list string) string {
	if list == "" {
		return ""
	}
	s := fmt.Sprintf(`<%s id="%s">`, elem, id)
	for i, p := range strings.Split(list, ",") {
		n, v, _ := strings.Cut(p, "=")
		s += fmt.Sprintf(`<nvpair id="%s-%d" name="%s" value="%s"/>`, id, i, n, v)
	}
	return s + fmt.Sprintf("</%s>", elem)
}

// prim is a primitive; meta is "name=value,…", and inner is XML inside of it.
func prim(id, meta, inner string) string {
	typ := "Dummy"
	if strings.HasPrefix(id, "s") {
		typ = "Stateful"
	}
	return fmt.Sprintf(`<primitive id="%s" class="ocf" provider="pacemaker" type="%s">%s%s</primitive>`, id, typ, nvSet("meta_attributes", id+"-meta", meta), inner)
}

// ops writes operations: "name interval attributes" each.
func ops(id string, list ...string) string {
	s := "<operations>"
	for i, o := range list {
		f := strings.SplitN(o, " ", 3)
		s += fmt.Sprintf(`<op id="%s-op%d" name="%s" interval="%s" %s/>`, id, i, f[0], f[1], strings.Join(f[2:], ""))
	}
	return s + "</operations>"
}

func group(id, meta string, members ...string) string {
	return fmt.Sprintf(`<group id="%s">%s%s</group>`, id, nvSet("meta_attributes", id+"-meta", meta), strings.Join(members, ""))
}

func clone(id, meta, child string) string {
	return fmt.Sprintf(`<clone id="%s">%s%s</clone>`, id, nvSet("meta_attributes", id+"-meta", meta), child)
}

func (m *manual) document(t *testing.T) *cib.Element {
	t.Helper()
	options, resources := m.options, m.resources
	if !strings.Contains(resources, "<") {
		words := strings.Fields(resources)
		resources = ""
		for _, w := range words {
			resources += prim(w, "", "")
		}
	}
	states := map[string]string{}
	for _, h := range strings.Fields(m.history) {
		k, v, _ := strings.Cut(h, "=")
		states[k] = v
	}
	specs := nodeSpec.FindAllStringSubmatch(m.nodes, -1)
	if specs == nil {
		specs = nodeSpec.FindAllStringSubmatch("n1 n2", -1)
	}
	if m.fence {
		resources = `<primitive id="fence" class="stonith" type="fence_dummy"/>` + resources
		states[specs[0][1]+":fence"] = "started"
	} else {
		options += " stonith-enabled=false"
	}
	root, err := cib.Parse([]byte("<resources>"+resources+"</resources>"), "resources")
	if err != nil {
		t.Fatal(err)
	}
	var prims []*cib.Element
	root.Walk(func(e *cib.Element) bool {
		if e.Name == "primitive" && e.Get("class") != "" {
			prims = append(prims, e)
		}
		return e.Name != "bundle"
	})
	quorum := "1"
	if m.noQuorum {
		quorum = "0"
	}
	nodes, status := "", ""
	for i, n := range specs {
		nodes += fmt.Sprintf(`<node id="%d" uname="%s">%s%s</node>`, i+1, n[1], nvSet("instance_attributes", n[1]+"-a", n[3]), nvSet("utilization", n[1]+"-u", n[5]))
		st := `in_ccm="true" crmd="online" join="member" expected="member"`
		switch n[2] {
		case "!":
			st = `in_ccm="false" crmd="offline" join="down" expected="member"`
		case "-":
			st = `in_ccm="false" crmd="offline" join="down" expected="down"`
		}
		tr := ""
		if n[4] != "" {
			tr = fmt.Sprintf(`<transient_attributes id="%d">%s</transient_attributes>`, i+1, nvSet("instance_attributes", n[1]+"-t", n[4]))
		}
		status += fmt.Sprintf(`<node_state id="%d" uname="%s" %s>%s<lrm id="%[1]d"><lrm_resources>`, i+1, n[1], st, tr)
		for _, p := range prims {
			status += historyXML(p, states[n[1]+":"+p.ID()])
		}
		status += `</lrm_resources></lrm></node_state>`
	}
	tickets := ""
	if m.tickets != "" {
		tickets = "<tickets>" + m.tickets + "</tickets>"
	}
	doc := fmt.Sprintf(`<cib validate-with="pacemaker-3.9" crm_feature_set="3.16.1" epoch="1" num_updates="0" admin_epoch="0" have-quorum="%s" dc-uuid="1"><configuration><crm_config>%s</crm_config>`+
		`<nodes>%s</nodes><resources>%s</resources><constraints>%s</constraints>%s</configuration><status>%s%s</status></cib>`, quorum,
		nvSet("cluster_property_set", "options", strings.Join(strings.Fields(options), ",")), nodes, resources, m.constraints, m.more, tickets, status)
	e, err := cib.Parse([]byte(doc), m.says)
	if err != nil {
		t.Fatalf("%v\n%s", err, doc)
	}
	return e
}

func historyXML(p *cib.Element, state string) string {
	if state == "forgotten" {
		return ""
	}
	provider := ""
	if v := p.Get("provider"); v != "" {
		provider = fmt.Sprintf(` provider="%s"`, v)
	}
	lock := ""
	if s, ok := strings.CutPrefix(state, "locked"); ok {
		state, lock = "stopped", fmt.Sprintf(` shutdown-lock="%s"`, orNow(s))
	}
	s := fmt.Sprintf(`<lrm_resource id="%s" class="%s"%s type="%s"%s>`, p.ID(), p.Get("class"), provider, p.Get("type"), lock)
	call := 0
	op := func(id, task string, ms, rc, target int) {
		call++
		s += fmt.Sprintf(`<lrm_rsc_op id="%s_%s" operation="%s" operation_key="%[1]s_%[3]s_%[4]d" interval="%[4]d" rc-code="%[5]d" op-status="0" call-id="%[6]d" `+
			`transition-key="1:1:%[7]d:11111111-2222-3333-4444-555555555555" transition-magic="0:%[5]d;1:1:%[7]d:11111111-2222-3333-4444-555555555555" last-rc-change="%[8]d" op-digest="%[9]s"/>`,
			p.ID(), id, task, ms, rc, call, target, oraclefuzz.Now-600, pengine.OpDigest(map[string]string{"CRM_meta_timeout": "20000"}, ms > 0))
	}
	task, code, failed := strings.Cut(state, "!")
	switch {
	case failed:
		rc := 1
		fmt.Sscan(code, &rc)
		if task == "monitor" {
			op("last_0", "start", 0, 0, 0)
			op("last_failure_0", "monitor", 10000, rc, 0)
		} else {
			op("last_failure_0", task, 0, rc, 0)
		}
	case state == "started":
		op("last_0", "start", 0, 0, 0)
	case state == "promoted":
		op("last_0", "promote", 0, 0, 0)
	case state == "stopped":
		op("last_0", "stop", 0, 0, 0)
	default:
		op("last_0", "monitor", 0, 7, 7)
	}
	return s + "</lrm_resource>"
}

func orNow(s string) string {
	if s == "" {
		return fmt.Sprint(oraclefuzz.Now - 60)
	}
	return s
}

func planned(t *testing.T, xml []byte) string {
	t.Helper()
	g, err := oraclefuzz.ReadGraph(xml)
	if err != nil {
		t.Fatal(err)
	}
	return real(g)
}

// real lists the actions of a graph but monitors and pseudo events.
func real(g *oraclefuzz.Graph) string {
	var out []string
	for name, a := range g.Actions {
		if a.Real && !strings.Contains(name, "_monitor_") {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// chapter checks the sentences of a chapter, and that Pacemaker's own
// crm_simulate, where it is installed, agrees.
func chapter(t *testing.T, rows []manual) {
	t.Helper()
	var oracle *oraclefuzz.Command
	if p, err := exec.LookPath("crm_simulate"); err == nil {
		oracle = &oraclefuzz.Command{Args: []string{p}, Dir: t.TempDir()}
	} else {
		t.Log("NOT COMPARED with crm_simulate: Debian's package pacemaker-cli-utils is not installed")
	}
	for _, m := range rows {
		t.Run(m.says, func(t *testing.T) {
			root := m.document(t)
			res, err := pengine.Schedule(root, time.Unix(oraclefuzz.Now, 0).UTC(), pengine.Options{Explain: true})
			if err != nil {
				t.Fatal(err)
			}
			if got := planned(t, res.Graph.XML()); got != m.want {
				t.Errorf("planned %q, not %q", got, m.want)
			}
			for i, l := range res.Scores {
				addsUp(t, l.String(), res.LineWhy(i), l.Score)
			}
			var text strings.Builder
			res.StatusText(&text)
			if !strings.Contains(text.String(), m.status) {
				t.Errorf("the status does not say %q:\n%s", m.status, &text)
			}
			if oracle == nil {
				return
			}
			o := oracle.Run(root, oraclefuzz.WantGraph)
			if o.Err != nil {
				t.Fatalf("crm_simulate: %v", o.Err)
			}
			if got := real(o.Graph); got != m.want {
				t.Errorf("crm_simulate plans %q, not %q", got, m.want)
			}
		})
	}
}
