package schema

// Allows reports whether a relationship with a subject of this kind and these
// traits may be written to r: a subject of a type, or with a subject relation
// ("" and "..." are none), or the wildcard of a type, with a caveat ("" is
// none), with an expiration. Each combination is allowed by itself only.
// Permissions allow nothing.
func (r *Relation) Allows(subjectType, subjectRelation string, wildcard bool, caveat string, expiration bool) bool {
	if subjectRelation == "..." {
		subjectRelation = ""
	}
	for _, a := range r.Allowed {
		if a.Type.Name == subjectType && a.relationName() == subjectRelation && a.Wildcard == wildcard &&
			a.caveatName() == caveat && a.Expiration == expiration {
			return true
		}
	}
	return false
}

// String returns the allowed type as in a schema:
// "group#member with on_site and expiration".
func (a *Allowed) String() string {
	s := a.subject()
	switch {
	case a.Caveat != nil && a.Expiration:
		return s + " with " + a.Caveat.Name + " and expiration"
	case a.Caveat != nil:
		return s + " with " + a.Caveat.Name
	case a.Expiration:
		return s + " with expiration"
	}
	return s
}

// subject is String without the traits.
func (a *Allowed) subject() string {
	switch {
	case a.Wildcard:
		return a.Type.Name + ":*"
	case a.Relation != nil:
		return a.Relation.String()
	}
	return a.Type.Name
}

func (a *Allowed) relationName() string {
	if a.Relation == nil {
		return ""
	}
	return a.Relation.Name
}

func (a *Allowed) caveatName() string {
	if a.Caveat == nil {
		return ""
	}
	return a.Caveat.Name
}
