package controller

// State is a state of the controller, by its known name.
type State string

// The states this controller passes through.
const (
	Starting         State = "S_STARTING"
	PendingState     State = "S_PENDING"
	Election         State = "S_ELECTION"
	Integration      State = "S_INTEGRATION"
	FinalizeJoin     State = "S_FINALIZE_JOIN"
	PolicyEngine     State = "S_POLICY_ENGINE"
	TransitionEngine State = "S_TRANSITION_ENGINE"
	Idle             State = "S_IDLE"
	NotDC            State = "S_NOT_DC"
	Stopping         State = "S_STOPPING"
)

// elect takes the controller to S_ELECTION, through which every change of
// membership leads: the members have no DC until the new view names one.
func (m *Machine) elect() {
	m.begin()
	m.to(Election, "I_ELECTION", "C_CCM_CALLBACK", "crmd_ccm_msg_callback")
}

// begin leaves S_STARTING.
func (m *Machine) begin() {
	if m.state == Starting {
		m.to(PendingState, "I_PENDING", "C_STARTUP", "do_started")
	}
}

// follow takes the controller to S_PENDING, where it waits for a DC.
func (m *Machine) follow() {
	m.begin()
	switch m.state {
	case PendingState, Election, NotDC, Integration:
	default:
		m.elect()
	}
	m.to(PendingState, "I_PENDING", "C_FSA_INTERNAL", "do_election_count_vote")
}

// to changes the state and logs it in the form known from the field.
func (m *Machine) to(s State, input, cause, origin string) {
	if s == m.state || m.state == Stopping {
		return
	}
	m.info("crmd", "do_state_transition: State transition %s -> %s [ input=%s cause=%s origin=%s ]",
		m.state, s, input, cause, origin)
	m.state, m.since, m.popped = s, m.now, false
}
