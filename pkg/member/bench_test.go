package member

import (
	"fmt"
	"strings"
	"testing"

	"github.com/quorate/quorate/cib"
)

// bigConfiguration returns a configuration of about the given size in bytes.
func bigConfiguration(size int) *cib.Element {
	var b strings.Builder
	b.WriteString(`<cib admin_epoch="0" epoch="1" num_updates="0" validate-with="pacemaker-3.0"><configuration><crm_config/><nodes/><resources>`)
	n := 0
	for ; b.Len() < size; n++ {
		fmt.Fprintf(&b, `<primitive id="r%d" class="ocf" provider="heartbeat" type="Dummy"><instance_attributes id="r%d-ia"><nvpair id="r%d-ia-fake" name="fake" value="a value %d"/></instance_attributes><meta_attributes id="r%d-meta"><nvpair id="r%d-meta-p" name="priority" value="%d"/></meta_attributes><operations><op id="r%d-mon" name="monitor" interval="10s" timeout="20s"/></operations></primitive>`, n, n, n, n, n, n, n, n)
	}
	b.WriteString(`</resources><constraints>`)
	for i := 0; i < n; i += 3 {
		fmt.Fprintf(&b, `<rsc_location id="l%d" rsc="r%d" node="n1" score="100"/>`, i, i)
	}
	b.WriteString(`</constraints></configuration></cib>`)
	root, err := cib.Parse([]byte(b.String()), "large")
	if err != nil {
		panic(err)
	}
	return root
}

// change is one attribute of one resource.
func oneAttribute(resource, value string) []byte {
	return cib.EncodeOp(cib.Op{Verb: cib.VerbModify, Scope: "resources", XML: cib.New("primitive", "id", resource).WithChild(
		cib.New("instance_attributes", "id", resource+"-ia").WithChild(cib.New("nvpair", "id", resource+"-ia-fake", "name", "fake", "value", value)))})
}

// BenchmarkApply is what a change of one attribute costs a member: the change
// itself and its digest, in a small and in a large configuration. "checked" is the
// cost where the DC has checked it before.
func BenchmarkApply(b *testing.B) {
	for _, size := range []int{5 << 10, 5 << 20} {
		root := bigConfiguration(size)
		for _, checked := range []bool{false, true} {
			b.Run(fmt.Sprintf("%dkB/checked=%v", size>>10, checked), func(b *testing.B) {
				r := NewReplica(func() {})
				r.root.Store(root)
				b.ReportAllocs()
				for i := range b.N {
					c := oneAttribute("r1", fmt.Sprint("v", i))
					r.Prepare([][]byte{c}, checked)
					if err := r.Apply(uint64(i), c); err != nil {
						b.Fatal(err)
					}
					_ = r.Digest()
				}
			})
		}
	}
}
