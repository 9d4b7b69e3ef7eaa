// Package agents holds the built-in resource agents. Each is a function of an
// action and an environment, as an OCF agent is, and can be called as one:
// "quorate ocf heartbeat IPaddr monitor".
package agents
