package halog

import (
	"encoding/json"
	"log/slog"
	"net"
	"sync/atomic"
	"time"
)

// LogdSocketName is the name of ha_logd's socket in the state directory.
const LogdSocketName = "log_daemon"

// logdLine is a line on its way to ha_logd, one datagram. Debug sends it to the
// debug file only, as ha_logger -D ha-debug does.
type logdLine struct {
	Time   time.Time  `json:"time"`
	Entity string     `json:"entity"`
	PID    int        `json:"pid"`
	Level  slog.Level `json:"level"`
	Text   string     `json:"text"`
}

// SendLogd sends one line to ha_logd. An error says that it does not run.
func SendLogd(socket string, r Record) error {
	c, err := net.Dial("unixgram", socket)
	if err != nil {
		return err
	}
	defer c.Close()
	return sendLogd(c, &r)
}

func sendLogd(c net.Conn, r *Record) error {
	b, err := json.Marshal(logdLine(*r))
	if err != nil {
		return err
	}
	if err := c.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	_, err = c.Write(b)
	return err
}

// Logd sends lines to ha_logd, and to other sinks while that does not run.
type Logd struct {
	socket   string
	interval time.Duration
	conn     net.Conn
	next     time.Time // of the attempt to connect
	instead  func(Record)
	down     atomic.Bool
}

// NewLogd returns a sink for the daemon at a socket. While it does not run, lines go
// to instead, and it is looked for each interval when there is something to log.
func NewLogd(socket string, interval time.Duration, instead func(Record), say func(level, text string)) *Sink {
	l := &Logd{socket: socket, interval: interval, instead: instead}
	return newSink("ha_logd ("+socket+")", func(batch []Record) error {
		var failed error
		for i := range batch {
			if err := l.send(&batch[i]); err != nil {
				failed = err
				l.instead(batch[i])
			}
		}
		if failed != nil && !l.down.Swap(true) {
			say("WARN", "ha_logd does not answer ("+failed.Error()+"): the log goes where ha.cf says else, and ha_logd is looked for every "+interval.String())
		} else if failed == nil && l.down.Swap(false) {
			say("info", "ha_logd answers again")
		}
		return nil
	}, say)
}

func (l *Logd) send(r *Record) error {
	if l.conn == nil {
		if time.Now().Before(l.next) {
			return net.ErrClosed
		}
		c, err := net.Dial("unixgram", l.socket)
		if err != nil {
			l.next = time.Now().Add(l.interval)
			return err
		}
		l.conn = c
	}
	err := sendLogd(l.conn, r)
	if err != nil {
		l.conn.Close()
		l.conn, l.next = nil, time.Now().Add(l.interval)
	}
	return err
}

// DecodeLogd reads a datagram that [SendLogd] sent.
func DecodeLogd(b []byte) (Record, error) {
	var l logdLine
	err := json.Unmarshal(b, &l)
	return Record(l), err
}
