package controller

// State is a state of the controller, by its known name.
type State string

// The states this controller passes through.
const (
	Starting         State = "S_STARTING"
	PendingState     State = "S_PENDING"
	Integration      State = "S_INTEGRATION"
	FinalizeJoin     State = "S_FINALIZE_JOIN"
	PolicyEngine     State = "S_POLICY_ENGINE"
	TransitionEngine State = "S_TRANSITION_ENGINE"
	Idle             State = "S_IDLE"
	NotDC            State = "S_NOT_DC"
	Stopping         State = "S_STOPPING"
)

// to changes the state and logs it in the form known from the field.
func (m *Machine) to(s State, input, cause, origin string) {
	if s == m.state {
		return
	}
	m.info("crmd", "do_state_transition: State transition %s -> %s [ input=%s cause=%s origin=%s ]",
		m.state, s, input, cause, origin)
	m.state = s
}
