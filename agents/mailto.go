package agents

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/smtp"
	"os"
	"os/exec"
	"strings"
	"time"
)

// newMailTo makes the agent that sends a mail when a group comes or goes.
func newMailTo() *standard {
	start, stop, monitor := stateActions("MailTo")
	tell := func(what string, f action) action {
		return func(ctx context.Context, c *request) error {
			if err := f(ctx, c); err != nil {
				return err
			}
			// Services do not stay down because a mail was not taken.
			if err := sendMail(ctx, c, what); err != nil {
				c.info("no mail was sent: %v", err)
			}
			return nil
		}
	}
	return &standard{
		separate: true,
		meta: metaData{
			name: "MailTo", shortdesc: "Notifies recipients by mail of a takeover",
			longdesc: "Sends a mail when it is started and one when it is stopped. Put at the end of a group it tells that the group has come up on this node. A mail that cannot be sent is told in the log and is no failure.",
			params: []metaParam{
				{name: "email", typ: "string", required: true, shortdesc: "Mail addresses of the recipients", longdesc: "Mail addresses of the recipients, separated by blanks."},
				{name: "subject", typ: "string", def: "Resource Group", shortdesc: "Beginning of the subject"},
			},
			actions: usualActions("10s", "10s", "10s", "10s", metaAction{name: "status", timeout: "10s", interval: "10s", depth: "0"}),
		},
		args: []string{"email", "subject"},
		check: func(c *request) error {
			for _, a := range strings.Fields(c.str("email")) {
				if strings.HasPrefix(a, "-") || strings.ContainsAny(a, "\r\n") {
					return badSpec("email=%q is not a mail address", a)
				}
			}
			return nil
		},
		actions: map[string]action{
			"start": tell("Takeover in progress at", start),
			"stop": func(ctx context.Context, c *request) error {
				return stopMail(ctx, c, tell("Migrating resource away at", stop), stop)
			},
			"monitor": monitor,
		},
	}
}

// stopMail tells only the stop of what was started.
func stopMail(ctx context.Context, c *request, telling, plain action) error {
	if _, on, err := readState(stateFileIn(c, "MailTo")); err != nil || !on {
		return plain(ctx, c)
	}
	return telling(ctx, c)
}

// localMail is where this node's mail server is expected.
var localMail = "localhost:25"

// sendMail hands a mail to the programs mail or sendmail, or else to the mail
// server of this node.
func sendMail(ctx context.Context, c *request, what string) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	to := strings.Fields(c.str("email"))
	subject := fmt.Sprintf("%s %s %s from %s", c.str("subject"), what, time.Now().Format("Mon Jan _2 15:04:05 MST 2006"), host)
	body := fmt.Sprintf("%s.\n\nResource: %s\nNode: %s\n", subject, c.Instance, host)
	if _, err := exec.LookPath("mail"); err == nil {
		_, err = c.invoke(ctx, invocation{args: append([]string{"mail", "-s", subject}, to...), input: body})
		return err
	}
	text := "To: " + strings.Join(to, ", ") + "\r\nSubject: " + subject + "\r\nDate: " + time.Now().Format(time.RFC1123Z) + "\r\n\r\n" + strings.ReplaceAll(body, "\n", "\r\n")
	if _, err := exec.LookPath("sendmail"); err == nil {
		_, err = c.invoke(ctx, invocation{args: append([]string{"sendmail", "-i"}, to...), input: strings.ReplaceAll(text, "\r\n", "\n")})
		return err
	}
	return smtpSend(ctx, host, to, text)
}

// smtpSend gives a mail to the server of this node.
func smtpSend(ctx context.Context, host string, to []string, text string) error {
	d := net.Dialer{Timeout: 5 * time.Second}
	conn, err := d.DialContext(ctx, "tcp", localMail)
	if err != nil {
		return fmt.Errorf("neither mail nor sendmail is installed, and: %w", err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(8 * time.Second))
	name, _, _ := net.SplitHostPort(localMail)
	s, err := smtp.NewClient(conn, name)
	if err != nil {
		return err
	}
	defer s.Close()
	from := (&mail.Address{Address: "root@" + host}).Address
	err = errors.Join(s.Hello(host), s.Mail(from))
	for _, r := range to {
		err = errors.Join(err, s.Rcpt(r))
	}
	if err != nil {
		return err
	}
	w, err := s.Data()
	if err != nil {
		return err
	}
	if _, err = w.Write([]byte("From: " + from + "\r\n" + text)); err != nil {
		return err
	}
	return errors.Join(w.Close(), s.Quit())
}
