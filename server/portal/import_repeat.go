package portal

import portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"

// importAnswer is what the answer of an import says of a row that was written.
type importAnswer struct {
	Row     int                       `json:"row"` // of the transaction
	Result  portalv1.ImportRow_Result `json:"result"`
	User    string                    `json:"user,omitempty"`
	Changes []string                  `json:"changes,omitempty"`
}

// answersOf returns what is answered for the rows that a transaction settles.
func answersOf(rows []*importRow, single bool) []importAnswer {
	var out []importAnswer
	for i, row := range rows {
		if r := row.result; !row.done && (single || !row.alone) {
			out = append(out, importAnswer{i, r.Result, r.UserId, r.Changes})
		}
	}
	return out
}

// again takes what an earlier call of the same name did with rows. Those that it left
// alone are done by themselves, as then.
func (im *importing) again(rows []*importRow, answer []importAnswer) {
	for _, row := range rows {
		row.alone = !row.done
	}
	for _, done := range answer {
		row := rows[done.Row]
		row.done, row.alone, row.repeated = true, false, true
		row.result.Result, row.result.UserId, row.result.Changes = done.Result, done.User, done.Changes
	}
}
