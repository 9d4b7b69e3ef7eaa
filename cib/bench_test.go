package cib

import (
	"fmt"
	"strings"
	"testing"
)

// bigCIB makes a document of about size bytes with the look of a live one.
func bigCIB(size int) []byte {
	var b strings.Builder
	b.WriteString("<cib crm_feature_set=\"3.16.1\" validate-with=\"pacemaker-3.9\" epoch=\"9\" num_updates=\"0\" admin_epoch=\"0\">\n  <configuration>\n    <crm_config/>\n    <nodes/>\n    <resources>\n")
	for i := 0; b.Len() < size/2; i++ {
		fmt.Fprintf(&b, "      <primitive id=\"rsc%d\" class=\"ocf\" provider=\"heartbeat\" type=\"IPaddr2\">\n        <instance_attributes id=\"rsc%d-instance_attributes\">\n          <nvpair id=\"rsc%d-instance_attributes-ip\" name=\"ip\" value=\"10.0.0.%d\"/>\n        </instance_attributes>\n        <operations>\n          <op id=\"rsc%d-monitor-10s\" interval=\"10s\" name=\"monitor\" timeout=\"20s\"/>\n        </operations>\n      </primitive>\n", i, i, i, i%256, i)
	}
	b.WriteString("    </resources>\n    <constraints/>\n  </configuration>\n  <status>\n    <node_state id=\"1\" uname=\"node1\" in_ccm=\"true\" crmd=\"online\" join=\"member\" expected=\"member\">\n      <lrm id=\"1\">\n        <lrm_resources>\n")
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "          <lrm_resource id=\"rsc%d\" class=\"ocf\" provider=\"heartbeat\" type=\"IPaddr2\">\n            <lrm_rsc_op id=\"rsc%d_last_0\" operation_key=\"rsc%d_start_0\" operation=\"start\" crm-debug-origin=\"do_update_resource\" crm_feature_set=\"3.16.1\" transition-key=\"%d:2:0:7a3b7b6b-6b7c-4d5e-9b8a-1c2d3e4f5a6b\" transition-magic=\"0:0;%d:2:0:7a3b7b6b-6b7c-4d5e-9b8a-1c2d3e4f5a6b\" exit-reason=\"\" on_node=\"node1\" call-id=\"%d\" rc-code=\"0\" op-status=\"0\" interval=\"0\" last-rc-change=\"1700000000\" exec-time=\"23\" queue-time=\"0\" op-digest=\"f2317cad3d54cec5d7d7aa7d0bf35cf8\"/>\n          </lrm_resource>\n", i, i, i, i, i, i)
	}
	b.WriteString("        </lrm_resources>\n      </lrm>\n    </node_state>\n  </status>\n</cib>\n")
	return []byte(b.String())
}

func BenchmarkParse5MB(b *testing.B) {
	data := bigCIB(5 << 20)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(data, "big"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPrint5MB(b *testing.B) {
	e, err := Parse(bigCIB(5<<20), "big")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(5 << 20)
	b.ReportAllocs()
	for b.Loop() {
		Print(e)
	}
}

// benchmarkChange is what a one-attribute change of a large document costs: read
// it, change it, print it, and read and compare the two again.
func benchmarkChange(b *testing.B, size int) {
	data := string(bigCIB(size))
	op := Op{Verb: VerbModify, Scope: "resources", XML: New("primitive", "id", "rsc77").WithChild(New("operations").WithChild(
		New("op", "id", "rsc77-monitor-10s", "interval", "11s")))}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		before, err := ParseText(data, "before")
		if err != nil {
			b.Fatal(err)
		}
		changed, err := ApplyOp(before, op)
		if err != nil {
			b.Fatal(err)
		}
		after, err := ParseLike(string(Print(changed)), "after", before)
		if err != nil {
			b.Fatal(err)
		}
		if p, err := MakePatch(before, after, true); err != nil || p == nil {
			b.Fatal(err)
		}
		if d := Diff(before, after); len(d) != 2 { // the attribute and the epoch
			b.Fatal(d)
		}
	}
}

func BenchmarkChange5MB(b *testing.B)  { benchmarkChange(b, 5<<20) }
func BenchmarkChange70MB(b *testing.B) { benchmarkChange(b, 70<<20) }
