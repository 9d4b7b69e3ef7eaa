package v1

import (
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/quorate/quorate/pkg/halog"
)

// LevelCritical is the level of lines that begin with CRIT.
const LevelCritical = halog.LevelCritical

// Effect is something the machine wants done. The order of effects matters.
type Effect interface{ effect() }

// Log is one line for the log; Entity is the program that wrote it once.
type Log struct {
	Level  slog.Level
	Entity string
	Text   string
}

// SetAttribute sets a transient attribute of this node, or deletes it.
type SetAttribute struct {
	Name   string
	Value  string
	Delete bool
}

// Send sends a message to the machine of a member.
type Send struct {
	To  string
	msg message
}

// Payload is the message as it travels.
func (s Send) Payload() []byte {
	b, err := json.Marshal(s.msg)
	if err != nil {
		panic(err) // strings, numbers and truth values
	}
	return b
}

// Handle calls a handler of rc.d, if there is one of that name, with fields of
// the message as HA_NAME=VALUE.
type Handle struct {
	Name   string
	Fields []string
}

// Forget asks to forget the failures of a resource.
type Forget struct{ Resource string }

func (Log) effect()          {}
func (SetAttribute) effect() {}
func (Send) effect()         {}
func (Handle) effect()       {}
func (Forget) effect()       {}

func (m *Machine) do(e Effect) { m.fx = append(m.fx, e) }

func (m *Machine) log(level slog.Level, entity, format string, a ...any) {
	m.do(Log{level, entity, fmt.Sprintf(format, a...)})
}

func (m *Machine) info(format string, a ...any) { m.log(slog.LevelInfo, "heartbeat", format, a...) }
func (m *Machine) warn(format string, a ...any) { m.log(slog.LevelWarn, "heartbeat", format, a...) }

// set and unset write what is news.
func (m *Machine) set(name string) {
	if !m.attrs[name] {
		m.attrs[name] = true
		m.do(SetAttribute{Name: name, Value: "1"})
	}
}

func (m *Machine) unset(name string) {
	if m.attrs[name] {
		delete(m.attrs, name)
		m.do(SetAttribute{Name: name, Delete: true})
	}
}

// Effects returns what is to be done, in order, and forgets it.
func (m *Machine) Effects() []Effect {
	fx := m.fx
	m.fx = nil
	return fx
}
