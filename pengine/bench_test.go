package pengine

import (
	"crypto/md5"
	"fmt"
	"math"
	"math/rand"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quorate/quorate/cib"
)

// benchVariants are the shapes of clusters that the benchmarks cover: nothing
// started, everything in place, one node lost, groups, clones, constraints.
var benchVariants = []string{"fresh", "steady", "dead", "groups", "clones", "pairs"}

// benchNow is the time at which the benchmarks schedule.
var benchNow = time.Unix(1704067200, 0).UTC()

// benchCIB writes a CIB of the given shape with n nodes and m resources.
func benchCIB(n, m int, variant string) []byte {
	w := &strings.Builder{}
	rnd := rand.New(rand.NewSource(int64(n)*1000003 + int64(m)))
	w.WriteString(`<cib admin_epoch="0" epoch="10" num_updates="1" have-quorum="1" dc-uuid="1" crm_feature_set="3.16.1" validate-with="pacemaker-3.9">` +
		`<configuration><crm_config><cluster_property_set id="cib-bootstrap-options"><nvpair id="o1" name="stonith-enabled" value="true"/>` +
		`</cluster_property_set></crm_config><nodes>`)
	for i := 1; i <= n; i++ {
		fmt.Fprintf(w, `<node id="%d" uname="node%d"/>`, i, i)
	}
	w.WriteString(`</nodes><resources><primitive id="fence0" class="stonith" type="fence_dummy"><operations>` +
		`<op id="fence0-mon" name="monitor" interval="60s"/></operations></primitive>`)
	resource := func(i int) {
		fmt.Fprintf(w, `<primitive id="rsc%d" class="ocf" provider="pacemaker" type="Dummy"><instance_attributes id="rsc%d-ia">`+
			`<nvpair id="rsc%d-ia-s" name="state" value="/run/rsc%d"/></instance_attributes>`+
			`<operations><op id="rsc%d-mon" name="monitor" interval="10s" timeout="20s"/></operations></primitive>`, i, i, i, i, i)
	}
	switch variant {
	case "clones":
		for c := 1; c <= max(1, m/n); c++ {
			fmt.Fprintf(w, `<clone id="clone%d">`, c)
			resource(c)
			w.WriteString(`</clone>`)
		}
	case "groups":
		for i := 1; i <= m; i++ {
			if i%5 == 1 {
				fmt.Fprintf(w, `<group id="grp%d">`, i/5+1)
			}
			resource(i)
			if i%5 == 0 || i == m {
				w.WriteString(`</group>`)
			}
		}
	default:
		for i := 1; i <= m; i++ {
			resource(i)
		}
	}
	w.WriteString(`</resources><constraints>`)
	if variant == "pairs" {
		pair := func() (a, b int) {
			a, b = 1+rnd.Intn(m), 1+rnd.Intn(m-1)
			if b >= a {
				b++
			}
			return min(a, b), max(a, b)
		}
		for k := range m / 2 {
			a, b := pair()
			fmt.Fprintf(w, `<rsc_order id="ord%d" first="rsc%d" then="rsc%d"/>`, k, a, b)
			a, b = pair()
			fmt.Fprintf(w, `<rsc_colocation id="col%d" rsc="rsc%d" with-rsc="rsc%d" score="%d"/>`, k, b, a, []int{100, 50, -50, -100}[rnd.Intn(4)])
		}
	}
	w.WriteString(`</constraints></configuration><status>`)
	for i := 1; i <= n; i++ {
		state := `in_ccm="true" crmd="online" join="member"`
		if variant == "dead" && i == n {
			state = `in_ccm="false" crmd="offline" join="down"`
		}
		fmt.Fprintf(w, `<node_state id="%d" uname="node%d" %s expected="member">`, i, i, state)
		if variant == "steady" || variant == "dead" {
			benchHistory(w, i, n, m)
		}
		w.WriteString(`</node_state>`)
	}
	w.WriteString(`</status></cib>`)
	return []byte(w.String())
}

// benchHistory writes the history of node i of n: every n-th of the m
// resources is active there, the others were probed.
func benchHistory(w *strings.Builder, i, n, m int) {
	fmt.Fprintf(w, `<lrm id="%d"><lrm_resources>`, i)
	for k := 0; k <= m; k++ {
		id, agent, interval := fmt.Sprintf("rsc%d", k), `class="ocf" provider="pacemaker" type="Dummy"`, 10000
		if k == 0 {
			id, agent, interval = "fence0", `class="stonith" type="fence_dummy"`, 60000
		}
		fmt.Fprintf(w, `<lrm_resource id="%s" %s>`, id, agent)
		op := func(suffix, task string, interval, rc, target int) {
			params := ""
			if interval > 0 {
				params = ` CRM_meta_timeout="20000"`
			}
			if k > 0 {
				params += ` state="/run/` + id + `"`
			}
			magic := fmt.Sprintf("%d:1:%d:00000000-0000-0000-0000-000000000000", k+1, target)
			fmt.Fprintf(w, `<lrm_rsc_op id="%s_%s" operation_key="%s_%s_%d" operation="%s" crm_feature_set="3.16.1" transition-key="%s" `+
				`transition-magic="0:%d;%s" call-id="%d" rc-code="%d" op-status="0" interval="%d" last-rc-change="1704067200" `+
				`exec-time="10" queue-time="0" on_node="node%d" op-digest="%x"/>`, id, suffix, id, task, interval, task, magic,
				rc, magic, 2*k+1+min(interval, 1), rc, interval, i, md5.Sum([]byte(" <parameters"+params+"/>\n")))
		}
		switch {
		case k == 0 && i == 1, k > 0 && k%n == i-1:
			op("last_0", "start", 0, 0, 0)
			op(fmt.Sprintf("monitor_%d", interval), "monitor", interval, 0, 0)
		default:
			op("last_0", "monitor", 0, 7, 7)
		}
		w.WriteString(`</lrm_resource>`)
	}
	w.WriteString(`</lrm_resources></lrm>`)
}

func benchParse(tb testing.TB, n, m int, variant string) *cib.Element {
	tb.Helper()
	root, err := cib.Parse(benchCIB(n, m, variant), variant)
	if err != nil {
		tb.Fatal(err)
	}
	return root
}

// BenchmarkSchedule times Schedule alone on a loaded CIB.
func BenchmarkSchedule(b *testing.B) {
	for _, v := range benchVariants {
		for _, nm := range [][2]int{{8, 250}, {32, 1000}, {64, 2000}} {
			b.Run(fmt.Sprintf("%s/%dx%d", v, nm[0], nm[1]), func(b *testing.B) {
				root := benchParse(b, nm[0], nm[1], v)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := Schedule(root, benchNow, Options{}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkGrowth fits time = c * (nodes*resources)^exponent over four sizes
// and reports the exponent, from the parsing of the CIB to the graph. The time
// is that of the processor, so that other load does not count, and the least of
// the rounds.
func BenchmarkGrowth(b *testing.B) {
	for _, v := range benchVariants {
		b.Run(v, func(b *testing.B) {
			var docs [4][]byte
			for i := range docs {
				docs[i] = benchCIB(8<<i, 250<<i, v)
			}
			var least [4]time.Duration
			for b.Loop() {
				for i, d := range docs {
					begin := cpuTime(b)
					root, err := cib.Parse(d, v)
					if err != nil {
						b.Fatal(err)
					}
					if _, err := Schedule(root, benchNow, Options{}); err != nil {
						b.Fatal(err)
					}
					if d := cpuTime(b) - begin; least[i] == 0 || d < least[i] {
						least[i] = d
					}
				}
			}
			var sx, sy, sxx, sxy float64
			for i, d := range least {
				x, y := math.Log(float64(int(2000)<<(2*i))), math.Log(d.Seconds())
				sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
			}
			k := float64(len(least))
			b.ReportMetric((k*sxy-sx*sy)/(k*sxx-sx*sx), "exponent")
		})
	}
}

// cpuTime is the processor time that the process has used.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkScheduleHuge is a cluster far beyond what is deployed.
func BenchmarkScheduleHuge(b *testing.B) {
	root := benchParse(b, 64, 5000, "fresh")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Schedule(root, benchNow, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
