package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/quorate/quorate/pkg/seedrow"
)

// row is a line of the log by the number under which the seeds' list of lines
// has it.
type row struct{ id, line string }

// rowsInOrder waits until the log of a node has, after a mark, a match for each
// row, one after the other.
func (c *cluster) rowsInOrder(name string, mark int, rows []row) {
	c.t.Helper()
	c.until("the lines of the seeds on "+name, func() (bool, string) {
		rest := c.log(name)[mark:]
		for _, r := range rows {
			at := regexp.MustCompile(`(?m)^` + r.line + `$`).FindStringIndex(rest)
			if at == nil {
				return false, fmt.Sprintf("%s: no %s follows in\n%s", r.id, r.line, c.log(name)[mark:])
			}
			rest = rest[at[1]:]
		}
		return true, ""
	})
}

// said is a line of an entity at a level.
func said(entity, level, text string) string {
	return entity + `\[\d+\]: \d{4}/\d\d/\d\d_\d\d:\d\d:\d\d\.\d{3} ` + level + `: ` + text
}

// What administrators have read in the logs for years, in its order and with its
// fields: the DC, which has the address, dies and comes back.
func TestSeedLogLines(t *testing.T) {
	t.Parallel()
	seedrow.Shows(t, "003-080", "003-082", "003-084", "003-085", "003-089", "003-091", "003-095", "003-106", "003-111", "003-112", "003-114")
	c := newCluster(t)
	debug := func(names ...string) {
		for _, n := range names {
			p, err := c.nodes[n].Start("/lab/bin/quorate", "run", "--debug")
			if err != nil {
				t.Fatal(err)
			}
			c.daemons[n] = p
		}
		c.formed(directors...)
	}
	debug(directors...)
	old := c.dc(directors...)
	// One of the two others is in standby, so that both kinds of nodes are told of.
	idle := c.other(old)
	c.ok(old, "crm_standby", "-v", "on", "-N", idle)
	c.replace(old, `<configuration><crm_config><cluster_property_set id="o"><nvpair id="o1" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>
NODES
<resources>`+strings.NewReplacer(`id="vip"`, `id="IPaddr_1"`).Replace(guarded)+`</resources><constraints>
<rsc_location id="l" rsc="IPaddr_1" node="`+old+`" score="100"/></constraints></configuration>`)
	c.owned(floating, old)
	c.rowsInOrder(old, 0, []row{
		{"003-095", said("cib", "info", `cib_diff_notify: Update \(client: \w+/`+old+`, call:\d+\): 0\.\d+\.\d+ -> 0\.\d+\.\d+ \(ok\)`)},
		{"003-089", said("cib", "info", `write_cib_contents: Wrote version 0\.\d+\.\d+ of the CIB to disk \(digest: [0-9a-f]{32}\)`)},
	})
	to := c.other(old, idle)
	marks := map[string]int{idle: len(c.log(idle)), to: len(c.log(to))}
	if err := c.nodes[old].Crash(); err != nil {
		t.Fatal(err)
	}
	delete(c.daemons, old)
	c.owned(floating, to)
	dc := c.dc(idle, to)
	member := c.other(old, dc)
	step := func(from, to, input, cause, origin string) string {
		return said("crmd", "info", `do_state_transition: State transition `+from+` -> `+to+` \[ input=`+input+` cause=`+cause+` origin=`+origin+` \]`)
	}
	c.rowsInOrder(member, marks[member], []row{
		{"003-091", said("crmd", "info", `do_election_count_vote: Election check: vote from `+dc)},
		{"003-093", said("cib", "info", `cib_ccm_msg_callback: LOST: `+old)},
		{"003-093", said("cib", "info", `cib_ccm_msg_callback: PEER: litsha2\d`)},
		{"003-102", said("crmd", "WARN", `check_dead_member: Our DC node \(`+old+`\) left the cluster`)},
		{"003-077", said("crmd", "info", `update_dc: Set DC to `+dc+` \(3\.\d+\.\d+\)`)},
		{"003-094", step("S_PENDING", "S_NOT_DC", "I_NOT_DC", "C_HA_MESSAGE", "do_cl_join_finalize_respond")},
		{"003-080", said("attrd", "info", `attrd_local_callback: Sending full refresh`)},
	})
	plan := []row{
		{"003-102", said("crmd", "WARN", `check_dead_member: Our DC node \(`+old+`\) left the cluster`)},
		{"003-111", said("cib", "info", `cib_diff_notify: Local-only Change \(client: crmd, call: \d+\): 0\.\d+\.\d+ \(ok\)`)},
		{"003-077", said("crmd", "info", `update_dc: Set DC to `+dc+` \(3\.\d+\.\d+\)`)},
		{"003-078", step("S_INTEGRATION", "S_FINALIZE_JOIN", "I_INTEGRATED", "C_FSA_INTERNAL", "check_join_state")},
		{"003-079", said("crmd", "info", `do_state_transition: All 2 cluster nodes responded to the join offer\.`)},
		{"003-080", said("crmd", "info", `update_attrd: Connecting to attrd\.\.\.`)},
		{"003-081", said("cib", "info", `sync_our_cib: Syncing CIB to all peers`)},
		{"003-080", said("attrd", "info", `attrd_local_callback: Sending full refresh`)},
	}
	nodes := []row{{"003-082", said("pengine", "info", `unpack_nodes: Node `+idle+` is in standby-mode`)}, {"003-083", said("pengine", "info", `determine_online_status: Node `+idle+` is online`)}}
	other := row{"003-083", said("pengine", "info", `determine_online_status: Node `+to+` is online`)}
	if to < idle {
		nodes = append([]row{other}, nodes...)
	} else {
		nodes = append(nodes, other)
	}
	plan = append(append(plan, nodes...), []row{
		{"003-084", said("pengine", "info", `IPaddr_1 \(heartbeat::ocf:IPaddr\): Stopped`)},
		{"003-085", said("pengine", "info", `StartRsc: `+to+` Start IPaddr_1`)},
		{"003-085", said("pengine", "info", `Recurring: `+to+` IPaddr_1_monitor_5000`)},
		{"003-086", said("pengine", "info", `stage8: Created transition graph \d+\.`)},
		{"003-112", said("tengine", "info", `send_rsc_command: Initiating action \d+: IPaddr_1_start_0 on `+to)},
		{"003-114", said("tengine", "info", `te_update_diff: Processing diff \(cib_update\): 0\.\d+\.\d+ -> 0\.\d+\.\d+`)},
		{"003-114", said("tengine", "info", `match_graph_event: Action IPaddr_1_start_0 \(\d+\) confirmed.*`)},
		{"003-112", said("tengine", "info", `send_rsc_command: Initiating action \d+: IPaddr_1_monitor_5000 on `+to)},
		{"003-088", step("S_TRANSITION_ENGINE", "S_IDLE", "I_TE_SUCCESS", "C_IPC_MESSAGE", "do_msg_route")},
	}...)
	c.rowsInOrder(dc, marks[dc], plan)
	c.rowsInOrder(dc, marks[dc], []row{
		{"003-113", said("pengine", "info", `process_pe_message: Transition \d+: PEngine Input stored in: /var/lib/heartbeat/pengine/pe-input-\d+\.bz2`)},
	})
	c.ok(dc, "crm_standby", "-D", "-N", idle)
	mark := len(c.log(dc))
	if err := c.nodes[old].Boot(); err != nil {
		t.Fatal(err)
	}
	debug(old)
	now := c.dc(directors...)
	if now != dc { // the DC may have changed with the view: what follows is its
		mark = 0
	}
	c.rowsInOrder(now, mark, []row{
		{"003-107", said("cib", "info", `cib_client_status_callback: Status update: Client litsha2\d/cib now has status \[join\]`)},
		{"003-107", said("crmd", "info", `crmd_client_status_callback: Status update: Client litsha2\d/crmd now has status \[online\]`)},
		{"003-106", said("heartbeat", "debug", `get_delnodelist: delnodelist=`)},
		{"003-111", said("cib", "info", `cib_diff_notify: Local-only Change \(client: crmd, call: \d+\): 0\.\d+\.\d+ \(ok\)`)},
		{"003-077", said("crmd", "info", `update_dc: Set DC to `+now+` \(3\.\d+\.\d+\)`)},
		{"003-081", said("cib", "info", `sync_our_cib: Syncing CIB to litsha2\d`)},
		{"003-078", step("S_INTEGRATION", "S_FINALIZE_JOIN", "I_INTEGRATED", "C_FSA_INTERNAL", "check_join_state")},
		{"003-079", said("crmd", "info", `do_state_transition: All 3 cluster nodes responded to the join offer\.`)},
		{"003-081", said("cib", "info", `sync_our_cib: Syncing CIB to all peers`)},
		{"003-112", said("tengine", "info", `send_rsc_command: Initiating action \d+: probe_complete on `+old)},
	})
}
