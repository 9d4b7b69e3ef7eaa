package pengine

// checkFencing says that nothing can be managed where fencing is wanted and no
// device is there to do it.
func (s *scheduler) checkFencing() {
	if s.cfg.fencing && !s.haveFenceDevice {
		s.errorf("option stonith-enabled demands fencing but no fencing device is configured: no resource is started or moved; configure one, or set stonith-enabled=false where no data is shared")
	}
}
