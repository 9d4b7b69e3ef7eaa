package pengine_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
)

// colocationCases are small clusters of three nodes and the scores with which
// Pacemaker 2.1.5 assigns their primitives. <x/> stands for a primitive x, and
// "x@n1" for one that runs on n1.
var colocationCases = []struct {
	name, resources, constraints, defaults, running, want string
}{
	{"the sign alone passes along a chain",
		`<x/><y/><z/><w/>`,
		`<rsc_colocation id="c1" rsc="y" with-rsc="x" score="-1000"/><rsc_colocation id="c2" rsc="z" with-rsc="y" score="-500"/><rsc_colocation id="c3" rsc="w" with-rsc="z" score="200"/><rsc_location id="l1" rsc="w" node="n2" score="20000"/>`,
		``, "",
		"w=0,20200,0 x=0,4,0 y=0,-1004,0 z=-500,4,0"},
	{"what is with a group counts again through its last member",
		`<p/><group id="g"><a/><b/></group><q/><s/>`,
		`<rsc_colocation id="c1" rsc="g" with-rsc="p" score="1000"/><rsc_colocation id="c2" rsc="s" with-rsc="b" score="50"/><rsc_colocation id="c3" rsc="q" with-rsc="g" score="100"/><rsc_location id="l1" rsc="s" node="n2" score="60000"/><rsc_location id="l2" rsc="q" node="n1" score="50000"/>`,
		``, "",
		"a=5,1003,0 b=-INFINITY,3,-INFINITY p=0,6,0 q=50000,100,0 s=0,60050,0"},
	{"an instance refused by its own node inherits twice",
		`<p/><clone id="ac"><meta_attributes id="am"><nvpair id="amx" name="clone-max" value="2"/></meta_attributes><a/></clone>`,
		`<rsc_location id="l1" rsc="p" node="n1" score="500"/><rsc_location id="l2" rsc="ac" node="n3" score="-INFINITY"/><rsc_location id="l3" rsc="ac" node="n2" score="1"/><rsc_colocation id="c1" rsc="ac" with-rsc="p" score="-100"/>`,
		``, "a@n3",
		"a:0=0,-INFINITY,-INFINITY a:1=-100,1,-INFINITY p=500,-1,0"},
	{"clones are sticky below rsc_defaults",
		`<clone id="ac"><a/></clone>`,
		``,
		`<rsc_defaults><meta_attributes id="rd"><rule id="rr" boolean-op="and"><rsc_expression id="re" class="ocf" provider="pacemaker" type="Dummy"/></rule><nvpair id="rn" name="resource-stickiness" value="5"/></meta_attributes></rsc_defaults>`, "a@n2",
		"a:0=0,5,0 a:1=0,-INFINITY,0 a:2=-INFINITY,-INFINITY,0"},
	{"what is cloned has no name of its own",
		`<x/><clone id="ac"><a/></clone>`,
		`<rsc_colocation id="c1" rsc="x" with-rsc="a" score="5"/><rsc_location id="l1" rsc="a" node="n1" score="33"/>`,
		``, "",
		"a:0=0,0,0 a:1=0,-INFINITY,0 a:2=0,-INFINITY,-INFINITY x=0,0,0"},
	{"the name in the history stands for the clone",
		`<x/><clone id="ac"><a/></clone>`,
		`<rsc_colocation id="c1" rsc="x" with-rsc="a" score="5"/><rsc_location id="l1" rsc="a" node="n1" score="33"/>`,
		``, "a@n2",
		"a:0=33,1,0 a:1=-INFINITY,0,0 a:2=-INFINITY,-INFINITY,0 x=5,5,5"},
	{"no influence on the idle instances of a running clone",
		`<d/><clone id="cc"><meta_attributes id="cm"><nvpair id="cmx" name="clone-max" value="2"/></meta_attributes><b/></clone>`,
		`<rsc_colocation id="c1" rsc="d" with-rsc="cc" score="500" influence="false"/><rsc_location id="l1" rsc="d" node="n3" score="3"/>`,
		``, "b@n2",
		"b:0=0,1,0 b:1=0,-INFINITY,0 d=500,500,3"},
}

func TestColocationScores(t *testing.T) {
	short := regexp.MustCompile(`<(\w+)/>`)
	for _, c := range colocationCases {
		t.Run(c.name, func(t *testing.T) {
			history := map[string]string{}
			for i, at := range strings.Fields(c.running) {
				id, node, _ := strings.Cut(at, "@")
				history[node] += fmt.Sprintf(`<lrm_resource id="%[1]s" class="ocf" provider="pacemaker" type="Dummy"><lrm_rsc_op id="%[1]s_start_0" `+
					`operation="start" transition-key="1:1:0:11111111-2222-3333-4444-555555555555" call-id="%d" rc-code="0" op-status="0" interval="0"/></lrm_resource>`, id, i+1)
			}
			nodes, status := "", ""
			for i := 1; i <= 3; i++ {
				name := fmt.Sprintf("n%d", i)
				nodes += fmt.Sprintf(`<node id="%d" uname="%s"/>`, i, name)
				status += fmt.Sprintf(`<node_state id="%[1]d" uname="%[2]s" in_ccm="true" crmd="online" join="member" expected="member">`+
					`<lrm id="%[1]d"><lrm_resources>%[3]s</lrm_resources></lrm></node_state>`, i, name, history[name])
			}
			doc := `<cib have-quorum="1" dc-uuid="1"><configuration><crm_config><cluster_property_set id="o">` +
				`<nvpair id="os" name="stonith-enabled" value="false"/></cluster_property_set></crm_config><nodes>` + nodes + `</nodes><resources>` +
				short.ReplaceAllString(c.resources, `<primitive id="$1" class="ocf" provider="pacemaker" type="Dummy"/>`) +
				`</resources><constraints>` + c.constraints + `</constraints>` + c.defaults + `</configuration><status>` + status + `</status></cib>`
			root, err := cib.Parse([]byte(doc), c.name)
			if err != nil {
				t.Fatal(err)
			}
			res, err := pengine.Schedule(root, time.Unix(1718452800, 0), pengine.Options{})
			if err != nil {
				t.Fatal(err)
			}
			scores := map[string][]string{}
			for _, l := range res.Scores {
				if l.Step == "pcmk__primitive_assign" {
					// A resource that is tried twice counts the second time.
					s := append(scores[l.Resource], l.Score.String())
					scores[l.Resource] = s[max(0, len(s)-3):]
				}
			}
			var got []string
			for r, s := range scores {
				got = append(got, r+"="+strings.Join(s, ","))
			}
			slices.Sort(got)
			if g := strings.Join(got, " "); g != c.want {
				t.Errorf("scores %s\n  want %s", g, c.want)
			}
		})
	}
}
