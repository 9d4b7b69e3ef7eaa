package controller

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/pkg/seedrow"
)

// fsa is the published table of the controller's states: for each input, from
// which states it leads where. Inputs that change no state are left out.
var fsa = map[string]map[string]string{
	"I_PENDING":     {"S_STARTING S_ELECTION S_NOT_DC S_INTEGRATION": "S_PENDING"},
	"I_ELECTION":    {"S_IDLE S_INTEGRATION S_FINALIZE_JOIN S_NOT_DC S_POLICY_ENGINE S_TRANSITION_ENGINE S_PENDING": "S_ELECTION"},
	"I_DC_TIMEOUT":  {"S_PENDING": "S_ELECTION"},
	"I_ELECTION_DC": {"S_ELECTION S_IDLE S_INTEGRATION S_FINALIZE_JOIN S_NOT_DC S_POLICY_ENGINE S_TRANSITION_ENGINE": "S_INTEGRATION"},
	"I_INTEGRATED":  {"S_INTEGRATION": "S_FINALIZE_JOIN"},
	"I_FINALIZED":   {"S_FINALIZE_JOIN": "S_POLICY_ENGINE"},
	"I_NOT_DC":      {"S_PENDING": "S_NOT_DC"},
	"I_PE_CALC":     {"S_IDLE S_TRANSITION_ENGINE": "S_POLICY_ENGINE"},
	"I_PE_SUCCESS":  {"S_POLICY_ENGINE": "S_TRANSITION_ENGINE"},
	"I_TE_SUCCESS":  {"S_TRANSITION_ENGINE": "S_IDLE"},
	"I_STOP":        {"S_STARTING S_PENDING S_ELECTION S_INTEGRATION S_FINALIZE_JOIN S_POLICY_ENGINE S_TRANSITION_ENGINE S_IDLE S_NOT_DC": "S_STOPPING"},
}

var fsaCauses = strings.Fields("C_FSA_INTERNAL C_HA_MESSAGE C_IPC_MESSAGE C_CCM_CALLBACK C_CRMD_STATUS_CALLBACK C_LRM_OP_CALLBACK " +
	"C_LRM_MONITOR_CALLBACK C_TIMER_POPPED C_SHUTDOWN C_HEARTBEAT_FAILED C_SUBSYSTEM_CONNECT C_HA_DISCONNECT C_STARTUP")

var fsaLine = regexp.MustCompile(`^do_state_transition: State transition (S_[A-Z_]+) -> (S_[A-Z_]+) \[ input=(I_[A-Z_]+) cause=(C_[A-Z_]+) origin=[a-z_]+ \]$`)

// checkTransition fails for a line that tells of a step which the table does
// not have. Every test of the controller in its world goes through it.
func checkTransition(t *testing.T, line string) {
	t.Helper()
	if !strings.Contains(line, "State transition ") {
		return
	}
	m := fsaLine.FindStringSubmatch(line)
	if m == nil {
		t.Errorf("not the line that is known: %s", line)
		return
	}
	for from, to := range fsa[m[3]] {
		if slices.Contains(strings.Fields(from), m[1]) && to == m[2] && slices.Contains(fsaCauses, m[4]) {
			return
		}
	}
	t.Errorf("the table has no such step: %s", line)
}

// What a DC and a member log of the death of a DC, in order.
func TestLinesOfATakeover(t *testing.T) {
	seedrow.Shows(t, "003-078", "003-079", "003-081", "003-088", "003-094", "003-102")
	w := newWorld(t, "n1", "n2", "n3")
	w.view("n1", "n2", "n3")
	w.log = nil
	w.nodes["n1"].up, w.lost["n1"], w.expired["n1"] = false, true, true
	w.view("n2", "n3")
	w.pass(time.Second)
	for node, want := range map[string][]string{
		"n2": {"check_dead_member: Our DC node (n1) left the cluster", "update_dc: Set DC to n2 (" + featureSet + ")", "-> S_ELECTION [ input=I_ELECTION ",
			"S_ELECTION -> S_INTEGRATION [ input=I_ELECTION_DC ", "S_INTEGRATION -> S_FINALIZE_JOIN [ input=I_INTEGRATED cause=C_FSA_INTERNAL origin=check_join_state ]",
			"All 2 cluster nodes responded to the join offer.", "sync_our_cib: Syncing CIB to all peers", "S_FINALIZE_JOIN -> S_POLICY_ENGINE [ input=I_FINALIZED ",
			"All 2 cluster nodes are eligible to run resources.", "S_POLICY_ENGINE -> S_TRANSITION_ENGINE [ input=I_PE_SUCCESS ", "S_TRANSITION_ENGINE -> S_IDLE [ input=I_TE_SUCCESS "},
		"n3": {"check_dead_member: Our DC node (n1) left the cluster", "update_dc: Set DC to n2 (" + featureSet + ")",
			"-> S_PENDING [ input=I_PENDING ", "S_PENDING -> S_NOT_DC [ input=I_NOT_DC cause=C_HA_MESSAGE origin=do_cl_join_finalize_respond ]"},
	} {
		next := 0
		for _, l := range w.log {
			if next < len(want) && strings.HasPrefix(l, node+" ") && strings.Contains(l, want[next]) {
				next++
			}
		}
		if next < len(want) {
			t.Errorf("%s does not log %q at its place:\n%s", node, want[next], strings.Join(w.log, "\n"))
		}
	}
}
