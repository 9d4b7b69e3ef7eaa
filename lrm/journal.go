package lrm

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Leftover is what an earlier daemon of this boot left on this node.
type Leftover struct {
	// Op made the resource active, or was being executed.
	Op Op
	// InFlight tells that the operation's end is not known. Its script, if it
	// still ran, was killed, as nobody would learn its result.
	InFlight bool
	// Active tells that the resource was believed active, Promoted that it was, or
	// may have been, in the promoted role.
	Active, Promoted bool
}

// journalLine is one line of the journal.
type journalLine struct {
	Boot string `json:"boot,omitempty"`
	// Begin and End are the call id of a state-changing operation.
	Begin int `json:"begin,omitempty"`
	End   int `json:"end,omitempty"`
	// Group and Started identify the process group of call Begin.
	Group   int    `json:"group,omitempty"`
	Started uint64 `json:"started,omitempty"`
	// Active and Inactive name a resource; Promoted tells its role.
	Active   string `json:"active,omitempty"`
	Promoted bool   `json:"promoted,omitempty"`
	Inactive string `json:"inactive,omitempty"`
	Op       *Op    `json:"op,omitempty"`
}

// journalLimit is the size at which a journal is written anew, in bytes.
const journalLimit = 1 << 20

// journal is the file by which a restarted daemon knows what was active or in
// flight. It is not synced: it matters while this boot lasts.
type journal struct {
	mu    sync.Mutex
	file  string
	f     *os.File
	size  int64
	state journalState
	// err is the first failure to write; it is reported once.
	err error
}

// journalState is what the lines add up to.
type journalState struct {
	order  []string
	active map[string]activeLine
	flight map[int]journalLine
}

// activeLine is what the journal says of an active resource.
type activeLine struct {
	op       *Op
	promoted bool
}

func (s *journalState) apply(l journalLine) {
	switch {
	case l.Active != "" && l.Op != nil:
		if s.active[l.Active].op == nil {
			s.order = append(s.order, l.Active)
		}
		s.active[l.Active] = activeLine{l.Op, l.Promoted}
	case l.Inactive != "":
		delete(s.active, l.Inactive)
		for i, n := range s.order {
			if n == l.Inactive {
				s.order = append(s.order[:i:i], s.order[i+1:]...)
				break
			}
		}
	case l.Begin != 0:
		if old, ok := s.flight[l.Begin]; ok && l.Op == nil {
			l.Op = old.Op
		}
		s.flight[l.Begin] = l
	case l.End != 0:
		delete(s.flight, l.End)
	}
}

// ReadJournal returns what the journal of an earlier daemon of this boot says is
// active, in the order of the starts, and what was in flight. That there is no
// journal is no error; a line torn by a crash is the end.
func ReadJournal(file string) ([]Leftover, error) {
	s, err := readJournal(file)
	if err != nil {
		return nil, err
	}
	return s.leftovers(), nil
}

func readJournal(file string) (journalState, error) {
	s := journalState{active: map[string]activeLine{}, flight: map[int]journalLine{}}
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("journal of the local resource manager: %w", err)
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for n := 1; sc.Scan(); n++ {
		var l journalLine
		if json.Unmarshal(sc.Bytes(), &l) != nil {
			return s, nil
		}
		if n == 1 && l.Boot != bootID() {
			return s, nil
		}
		s.apply(l)
	}
	return s, nil
}

func (s *journalState) leftovers() []Leftover {
	var out []Leftover
	flying := map[string]bool{}
	for _, l := range s.flight {
		if l.Op != nil {
			a := s.active[l.Op.Resource]
			out = append(out, Leftover{Op: *l.Op, InFlight: true, Active: a.op != nil, Promoted: a.promoted})
			flying[l.Op.Resource] = true
		}
	}
	for _, n := range s.order {
		if !flying[n] {
			out = append(out, Leftover{Op: *s.active[n].op, Active: true, Promoted: s.active[n].promoted})
		}
	}
	return out
}

// openJournal takes over the file of an earlier daemon and begins a new one with
// what still holds.
func openJournal(file string) (*journal, journalState, error) {
	old, err := readJournal(file)
	if err != nil {
		return nil, old, err
	}
	j := &journal{file: file, state: journalState{active: map[string]activeLine{}, flight: map[int]journalLine{}}}
	for _, n := range old.order {
		j.state.apply(journalLine{Active: n, Op: old.active[n].op, Promoted: old.active[n].promoted})
	}
	if err := j.rewrite(); err != nil {
		return nil, old, err
	}
	return j, old, nil
}

// rewrite replaces the file by one that says the present state.
func (j *journal) rewrite() error {
	if err := os.MkdirAll(filepath.Dir(j.file), 0o755); err != nil {
		return fmt.Errorf("journal of the local resource manager: %w", err)
	}
	f, err := os.OpenFile(j.file+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("journal of the local resource manager: %w", err)
	}
	if j.f != nil {
		_ = j.f.Close()
	}
	j.f, j.size = f, 0
	j.put(journalLine{Boot: bootID()})
	for _, n := range j.state.order {
		j.put(journalLine{Active: n, Op: j.state.active[n].op, Promoted: j.state.active[n].promoted})
	}
	for _, l := range j.state.flight {
		j.put(l)
	}
	if err := os.Rename(j.file+".new", j.file); err != nil {
		return fmt.Errorf("journal of the local resource manager: %w", err)
	}
	return nil
}

func (j *journal) put(l journalLine) {
	b, err := json.Marshal(l)
	if err == nil {
		_, err = j.f.Write(append(b, '\n'))
		j.size += int64(len(b)) + 1
	}
	if err != nil && j.err == nil {
		j.err = err
	}
}

// write adds a line.
func (j *journal) write(l journalLine) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.f == nil {
		return
	}
	j.state.apply(l)
	j.put(l)
	if j.size > journalLimit {
		if err := j.rewrite(); err != nil && j.err == nil {
			j.err = err
		}
	}
}

func (j *journal) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.f != nil {
		_ = j.f.Close()
		j.f = nil
	}
}

var bootID = sync.OnceValue(func() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(b))
})

// takeError returns the first failure to write since it was last asked.
func (j *journal) takeError() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	err := j.err
	j.err = nil
	return err
}
