package pengine

func (s *scheduler) canMigrate(r *resource, current *node) bool {
	return r.is(rMigratable) && r.is(rManaged) && !r.is(rFailed) && !r.is(rStartPending) &&
		current != nil && !current.unclean && r.assigned != nil && !r.assigned.unclean
}

// migrationActions plans a live migration; the start becomes a pseudo action.
func (s *scheduler) migrationActions(r *resource, current *node) {
	start := s.startAction(r, r.assigned, true)
	stop := s.stopAction(r, current, true)
	var to *action
	if r.migrateTo == nil {
		to = s.newAction(r, tMigrateTo, 0, current, true)
	}
	from := s.newAction(r, tMigrateFrom, 0, r.assigned, true)
	start.set(aMigratable | aPseudo)
	stop.set(aMigratable)
	if to != nil {
		from.set(aMigratable)
		to.set(aMigratable)
		to.needs = start.needs
		s.orderTasks(r, tMonitor, r, tMigrateTo, oOptional)
		s.orderTasks(r, tMigrateTo, r, tMigrateFrom, oOptional|oImpliesFirstMigr)
	} else {
		from.set(aMigratable)
		from.needs = start.needs
		s.orderTasks(r, tMonitor, r, tMigrateFrom, oOptional)
	}
	s.orderTasks(r, tMigrateFrom, r, tStop, oOptional|oImpliesFirstMigr)
	s.orderTasks(r, tMigrateFrom, r, tStart, oOptional|oImpliesFirstMigr|oPseudoLeft)
	if to != nil {
		to.migrate = [2]*node{current, r.assigned}
		if !r.is(rConnection) {
			to.extra = append(to.extra, Param{"CRM_meta_record_pending", "true"})
		}
	}
	from.migrate = [2]*node{current, r.assigned}
}
