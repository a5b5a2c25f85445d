/** examples are small schemas to begin with. */
export const examples = {
  documents: `definition user {}

definition folder {
	relation owner: user
	relation viewer: user | user:*

	permission edit = owner
	permission view = viewer + edit
}

definition document {
	relation folder: folder
	relation owner: user
	relation viewer: user

	permission edit = owner + folder->edit
	permission view = viewer + edit + folder->view
}
`,
  teams: `definition user {}

definition team {
	relation member: user | team#member
	relation lead: user

	permission belongs = member + lead
}

definition organization {
	relation admin: user
	relation team: team

	permission manage = admin
}

definition project {
	relation organization: organization
	relation contributor: user | team#belongs

	permission manage = organization->manage
	permission contribute = contributor + manage
}
`,
  conditions: `use expiration

definition user {}

definition door {
	relation holder: user with office_hours | user with expiration
	relation barred: user

	permission open = holder - barred
}

caveat office_hours(hour int) {
	hour >= 8 && hour < 18
}
`,
} as const
