package demo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quorate/quorate/agents"
	"github.com/quorate/quorate/pkg/lab"
)

// The demo is a judge, and a judge is tested with the innocent and the guilty.
// This test program plays the program under test: a crude cluster, honest or
// with one defect, which the file /lab/defect in the nodes names.

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case lab.InitArg:
			os.Exit(lab.InitMain(os.Args[2:]))
		case "run", standInGuard, "crm_node", "cibadmin", "crm_mon", "haresources2cib":
			os.Exit(standIn(os.Args[1:]))
		}
	}
	inside, code, err := lab.Enter()
	if err != nil {
		fmt.Fprintln(os.Stderr, "SKIPPED ALL OF pkg/demo:", err)
		os.Exit(0)
	}
	if !inside {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

func TestJudge(t *testing.T) {
	for _, tc := range []struct{ defect, sentence string }{
		{"none", ""},
		{"keeps", "released by litsha22"},
		{"overlaps", "two nodes held 192.168.71.205 at once"},
		{"quits", "ended by itself with code 3; its last line: no more"},
		{"stays", "the address back on litsha21"},
		{"dirty", "ended with code 1 after SIGTERM"},
		{"silent", "the client has no answer"},
		{"orphans", "the address on another node"},
	} {
		t.Run(tc.defect, func(t *testing.T) {
			temp := t.TempDir()
			file := filepath.Join(temp, "defect")
			if err := os.WriteFile(file, []byte(tc.defect), 0o644); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			r, err := Run(t.Context(), Options{Out: &out, TempDir: temp, Idle: 100 * time.Millisecond,
				files: map[string]string{"/lab/defect": file}, patience: 6 * time.Second})
			if r.OK != (tc.sentence == "") {
				t.Errorf("ok is %v: %v\n%s", r.OK, err, out.String())
			}
			kept, _ := filepath.Glob(filepath.Join(temp, "quorate-lab-kept-*"))
			if tc.sentence == "" {
				if err != nil || len(kept) != 0 {
					t.Errorf("%v; kept %v\n%s", err, kept, out.String())
				}
				checkStates(t, r)
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.sentence) {
				t.Errorf("the sentence is %v, want %q in it\n%s", err, tc.sentence, out.String())
			}
			if len(kept) != 1 || err == nil || !strings.Contains(err.Error(), kept[0]) {
				t.Errorf("the logs are kept in %v, the sentence is %v", kept, err)
			}
			if found, _ := filepath.Glob(filepath.Join(temp, "*", "*", "crm_mon.txt")); tc.defect == "stays" && len(found) != 3 {
				t.Errorf("what crm_mon said is kept in %v", found)
			}
			if tc.defect == "overlaps" && r.Faults[3].Double == 0 {
				t.Errorf("double ownership in the failback is %v ms", r.Faults[3].Double)
			}
		})
	}
}

// TestInterrupted stops the demo while it waits.
func TestInterrupted(t *testing.T) {
	temp := t.TempDir()
	file := filepath.Join(temp, "defect")
	if err := os.WriteFile(file, []byte("none"), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	pr, pw := io.Pipe()
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := pr.Read(b)
			if err != nil {
				return
			}
			if bytes.Contains(b[:n], []byte("quorum")) {
				cancel()
			}
		}
	}()
	r, err := Run(ctx, Options{Out: pw, TempDir: temp, files: map[string]string{"/lab/defect": file}})
	pw.Close()
	if r.OK || err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("%+v, %v", r, err)
	}
	if left, _ := filepath.Glob(filepath.Join(temp, "quorate-lab-*")); len(left) != 0 {
		t.Errorf("an interrupted demo leaves %v", left)
	}
}

// checkStates asserts the states of a whole run.
func checkStates(t *testing.T, r *Report) {
	t.Helper()
	var names []string
	for _, f := range r.Faults {
		names = append(names, f.Name)
		if f.Double != 0 {
			t.Errorf("%s: two nodes held the address for %v ms", f.Name, f.Double)
		}
		if (f.Outage == nil) != (f.Name == "lose-quorum") {
			t.Errorf("%s: outage %v", f.Name, f.Outage)
		}
	}
	if !slices.Equal(names, []string{"crash-owner", "lose-quorum", "regain-quorum", "failback", "kill-daemon", "stop-daemon"}) {
		t.Fatalf("faults %v", names)
	}
	survivor := func(s *string) bool { return s != nil && slices.Contains(directors[1:], *s) }
	crash, lose, regain, back := r.Faults[0], r.Faults[1], r.Faults[2], r.Faults[3]
	if text(crash.From) != preferred || !survivor(crash.To) {
		t.Errorf("crash-owner: from %s to %s", text(crash.From), text(crash.To))
	}
	if lose.From == nil || *lose.From != *crash.To || lose.To != nil {
		t.Errorf("lose-quorum: from %s to %s", text(lose.From), text(lose.To))
	}
	if regain.From != nil || !survivor(regain.To) {
		t.Errorf("regain-quorum: from %s to %s", text(regain.From), text(regain.To))
	}
	if back.From == nil || *back.From != *regain.To || text(back.To) != preferred {
		t.Errorf("failback: from %s to %s", text(back.From), text(back.To))
	}
	for _, f := range r.Faults[4:] {
		if text(f.From) != preferred || !survivor(f.To) {
			t.Errorf("%s: from %s to %s", f.Name, text(f.From), text(f.To))
		}
	}
	if !r.OK || r.Idle.RSS <= 0 {
		t.Errorf("ok %v, idle %+v", r.OK, r.Idle)
	}
}

const (
	stateFile = "/run/stand-in"
	deadAfter = 400 * time.Millisecond
	takeAfter = 500 * time.Millisecond
)

func standIn(args []string) int {
	switch args[0] {
	case "haresources2cib":
		fmt.Println(`<cib><configuration><constraints><rsc_location id="l" rsc="IPaddr_1"><rule id="r" score="100"/></rsc_location></constraints></configuration></cib>`)
		return 0
	case "run":
		return standInDaemon()
	case standInGuard:
		return guardOfStandIn()
	}
	b, err := os.ReadFile(stateFile)
	if err != nil {
		return 1
	}
	alive := strings.Fields(string(b))
	switch {
	case args[0] == "crm_mon":
		fmt.Println("members:", alive)
	case args[0] == "cibadmin":
		fmt.Print("<cib><status>")
		for _, n := range alive {
			fmt.Printf(`<node_state uname=%q><nvpair name="pingd" value="100"/></node_state>`, n)
		}
		fmt.Println("</status></cib>")
	case args[1] == "-q" && len(alive) >= 2:
		fmt.Println(1)
	case args[1] == "-q":
		fmt.Println(0)
	default:
		fmt.Println(strings.Join(alive, " "))
	}
	return 0
}

func standInDaemon() int {
	defect, _ := os.ReadFile("/lab/defect")
	self, _ := os.Hostname()
	goodbye, err := startStandInGuard()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	conn, err := net.ListenPacket("udp4", ":6940")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	beats := make(chan string)
	go func() {
		b := make([]byte, 100)
		for {
			if n, _, err := conn.ReadFrom(b); err == nil {
				beats <- string(b[:n])
			}
		}
	}()
	s := &standInNode{defect: string(defect), self: self, heard: map[string]time.Time{}}
	for tick := time.Tick(20 * time.Millisecond); ; {
		select {
		case name := <-beats:
			s.heard[name] = time.Now()
		case <-tick:
			for i := range directors {
				conn.WriteTo([]byte(self), &net.UDPAddr{IP: beatIP(i).Addr().AsSlice(), Port: 6940})
			}
			s.decide(time.Now())
			if s.seen == 3 && s.alive == 2 && s.defect == "quits" && self == "litsha22" {
				goodbye.Write([]byte("q")) // the last line is this one's, not the guard's
				fmt.Println("no more")
				return 3
			}
		case <-stop:
			goodbye.Write([]byte("q"))
			s.address("stop")
			if s.defect == "dirty" && self == "litsha23" {
				return 1
			}
			return 0
		}
	}
}

// standInGuard is the argument that makes this program the stand-in's guard.
const standInGuard = "stand-in-guard"

// startStandInGuard starts a process that outlives this one.
func startStandInGuard() (goodbye *os.File, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	cmd := exec.Command("/proc/self/exe", standInGuard)
	cmd.Stdout, cmd.ExtraFiles = os.Stdout, []*os.File{r}
	return w, cmd.Start()
}

// guardOfStandIn releases the address of a daemon that has died without a word,
// or has not written its state for long; of the latter it ends as well.
func guardOfStandIn() int {
	daemon, begun := os.Getppid(), time.Now()
	ended := make(chan bool, 1)
	go func() {
		n, _ := os.NewFile(3, "daemon").Read(make([]byte, 1))
		ended <- n > 0
	}()
	for tick := time.Tick(20 * time.Millisecond); ; {
		select {
		case inOrder := <-ended:
			if defect, _ := os.ReadFile("/lab/defect"); inOrder || string(defect) == "orphans" {
				return 0
			}
		case <-tick:
			// A state from before this guard is not that of its daemon.
			if st, err := os.Stat(stateFile); err != nil || min(time.Since(st.ModTime()), time.Since(begun)) < 300*time.Millisecond {
				continue
			}
			syscall.Kill(daemon, syscall.SIGKILL)
		}
		s := &standInNode{has: true}
		s.address("stop")
		return 0
	}
}

type standInNode struct {
	defect, self string
	heard        map[string]time.Time
	rightful     time.Time // since when this node should hold the address
	wrong        time.Time // since when it should not
	has          bool
	alive, seen  int // members now, and at most so far
}

func (s *standInNode) decide(now time.Time) {
	var alive []string
	for _, n := range directors {
		if n == s.self || now.Sub(s.heard[n]) < deadAfter {
			alive = append(alive, n)
		}
	}
	os.WriteFile(stateFile+".new", []byte(strings.Join(alive, " ")), 0o644)
	os.Rename(stateFile+".new", stateFile)
	s.alive, s.seen = len(alive), max(s.seen, len(alive))
	owner := alive[0]
	if s.defect == "stays" && s.has {
		owner = s.self
	}
	if owner != s.self || (len(alive) < 2 && s.defect != "keeps") {
		s.rightful = time.Time{}
		if s.wrong.IsZero() {
			s.wrong = now
		}
		if s.defect == "overlaps" && s.has && len(alive) == 3 && now.Sub(s.wrong) < 2*takeAfter {
			return
		}
		s.address("stop")
		return
	}
	s.wrong = time.Time{}
	if s.rightful.IsZero() {
		s.rightful = now
	}
	// A lone node takes nothing, whatever the defect: it may have just begun.
	if now.Sub(s.rightful) >= takeAfter && len(alive) >= 2 {
		s.address("start")
	}
}

func (s *standInNode) address(action string) {
	if s.has == (action == "start") {
		return
	}
	s.has = action == "start"
	addr := floating.String()
	if s.defect == "silent" && s.has {
		os.WriteFile("/proc/sys/net/ipv4/icmp_echo_ignore_all", []byte("1"), 0o644)
	}
	agent, _ := agents.Lookup("ocf", "heartbeat", "IPaddr")
	code := agent.Run(context.Background(), action, agents.Env{Instance: "IPaddr_1", Stdout: os.Stdout, Stderr: os.Stdout,
		Params: map[string]string{"ip": addr, "netmask": "24", "nic": "eth0"}})
	fmt.Println(action, addr, code)
}
