package lrm

import (
	"context"
	"encoding/xml"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/quorate/quorate/agents"
)

// Traits are what the meta-data of an agent says of its parameters.
type Traits struct {
	// Reloads tells that the agent can take new values of some parameters without
	// a restart (it advertises reload-agent and a reloadable parameter).
	Reloads bool
	// Restart are the parameters that need a restart, Private those whose values
	// are secrets, both in the order of the meta-data.
	Restart, Private []string
}

// parseTraits reads meta-data of an agent.
func parseTraits(text string) (*Traits, error) {
	var doc struct {
		Parameters []struct {
			Name       string `xml:"name,attr"`
			Reloadable string `xml:"reloadable,attr"`
			Private    string `xml:"private,attr"`
		} `xml:"parameters>parameter"`
		Actions []struct {
			Name string `xml:"name,attr"`
		} `xml:"actions>action"`
	}
	if err := xml.Unmarshal([]byte(text), &doc); err != nil {
		return nil, fmt.Errorf("meta-data cannot be read: %w", err)
	}
	t, reloadable := new(Traits), false
	for _, a := range doc.Actions {
		t.Reloads = t.Reloads || a.Name == "reload-agent"
	}
	for _, p := range doc.Parameters {
		if p.Reloadable == "1" || p.Reloadable == "true" {
			reloadable = true
		} else {
			t.Restart = append(t.Restart, p.Name)
		}
		if p.Private == "1" || p.Private == "true" {
			t.Private = append(t.Private, p.Name)
		}
	}
	t.Reloads = t.Reloads && reloadable
	return t, nil
}

// traitsCache keeps the traits of agents for as long as their files stay.
type traitsCache struct {
	mu sync.Mutex
	m  map[[3]string]knownTraits
	// asking are closed when the answer is there.
	asking map[[3]string]chan struct{}
}

type knownTraits struct {
	changed time.Time // of the script
	size    int64
	traits  *Traits // nil: the agent does not say
}

// traitsTimeout bounds how long the meta-data of an agent may take that is about
// to be started, traitsWait how long the result of a start that has ended waits
// for it.
const (
	traitsTimeout = 5 * time.Second
	traitsWait    = time.Second
)

// wantsTraits tells operations whose history tells what needs a restart, and
// those after which it is time to find that out, so that no start waits for it.
func wantsTraits(op *Op) (learn, wait bool) {
	if op.Class != "ocf" || op.Interval != 0 {
		return false, false
	}
	switch op.Name {
	case "monitor":
		return true, false
	case "start", "migrate_from", "reload-agent":
		return true, true
	}
	return false, false
}

// traits begins to find out the traits of an operation's agent; the answer comes
// without waiting when it is known.
func (l *LRM) traits(op *Op, agent agents.Agent, file string) func() *Traits {
	key := [3]string{op.Class, op.Provider, op.Type}
	var now knownTraits
	if agent == nil {
		if st, err := os.Stat(file); err == nil {
			now.changed, now.size = st.ModTime(), st.Size()
		}
	}
	l.known.mu.Lock()
	known, ok := l.known.m[key]
	l.known.mu.Unlock()
	if ok && known.changed.Equal(now.changed) && known.size == now.size {
		return func() *Traits { return known.traits }
	}
	store := func(text string, err error) *Traits {
		if err == nil {
			now.traits, err = parseTraits(text)
		}
		if err != nil {
			l.cfg.Logger.Warn(fmt.Sprintf("which parameters of %s need no restart is not known: %v", op.Type, err))
		}
		l.known.mu.Lock()
		l.known.m[key] = now
		l.known.mu.Unlock()
		return now.traits
	}
	if agent != nil {
		t := store(agent.MetaData(), nil)
		return func() *Traits { return t }
	}
	l.known.mu.Lock()
	got := l.known.asking[key]
	if got == nil {
		got = make(chan struct{})
		l.known.asking[key] = got
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), traitsTimeout)
			defer cancel()
			store(l.MetaData(ctx, op.Class, op.Provider, op.Type))
			l.known.mu.Lock()
			delete(l.known.asking, key)
			l.known.mu.Unlock()
			close(got)
		}()
	}
	l.known.mu.Unlock()
	return func() *Traits {
		select {
		case <-got:
			l.known.mu.Lock()
			defer l.known.mu.Unlock()
			return l.known.m[key].traits
		case <-time.After(traitsWait):
			return nil
		}
	}
}
