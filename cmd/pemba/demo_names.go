package main

import (
	"fmt"
	"strings"
)

// Names of the demo. All people in it are made up.
var (
	demoGiven = []string{
		"Amina", "Bjorn", "Carla", "Diego", "Elif", "Farid", "Greta", "Hiro", "Isla", "Jonas", "Kofi", "Leila", "Mateo", "Nadia", "Oskar",
		"Priya", "Quentin", "Rosa", "Samir", "Tove", "Umar", "Vera", "Wanda", "Xenia", "Yusuf", "Zofia",
	}
	demoSurnames = []string{
		"Almeida", "Brandt", "Castellanos", "Dahl", "Eriksen", "Fontaine", "Gruber", "Haddad", "Iversen", "Jansen", "Kowalski", "Lindqvist",
		"Moreau", "Nakamura", "Okafor", "Petrov", "Quist", "Rossi", "Schneider", "Tanaka", "Ueda", "Vasquez", "Weber", "Yilmaz", "Zimmer",
	}
	demoDepartments = []string{"Claims", "Underwriting", "Finance", "Legal", "Customer care"}
	demoLevels      = []string{"Analyst", "Specialist", "Manager"}
	demoSteps       = []string{"Intake", "Triage", "Assessment", "Decision", "Payment", "Appeal", "Reporting"}
	demoSubjects    = []string{"Household", "Travel", "Liability", "Marine", "Health", "Cyber", "Legal expenses", "Fleet", "Pet", "Crop"}
	demoMatters     = []string{"claims", "renewals", "quotes", "complaints", "recoveries", "audits"}
)

// demoPerson is somebody of the company.
type demoPerson struct{ id, email, given, surname, title, department string }

// demoPeople makes so many people with different addresses.
func demoPeople(n int) []demoPerson {
	out := make([]demoPerson, n)
	for i := range out {
		given, surname := demoGiven[i%len(demoGiven)], demoSurnames[(i*7+i/len(demoGiven))%len(demoSurnames)]
		local := strings.ToLower(given + "." + surname)
		if i >= len(demoGiven)*len(demoSurnames) {
			local = fmt.Sprintf("%s.%d", local, i)
		}
		department := demoDepartments[i%len(demoDepartments)]
		out[i] = demoPerson{
			email: local + "@" + demoDomain, given: given, surname: surname, department: department,
			title: department + " " + demoLevels[(i/len(demoDepartments))%len(demoLevels)],
		}
	}
	return out
}

// demoModelName is the name of a model; all are different up to the product of the
// lists, and have a number beyond.
func demoModelName(i int) string {
	name := demoSubjects[i%len(demoSubjects)] + " " + demoMatters[(i/len(demoSubjects))%len(demoMatters)]
	if round := i / (len(demoSubjects) * len(demoMatters)); round > 0 {
		name = fmt.Sprintf("%s %d", name, round+1)
	}
	return name
}

// demoContent is the content of a diagram: a process in words.
func demoContent(name string) string {
	return name + "\n\n1. A request comes in.\n2. It is looked at.\n3. Somebody decides.\n4. The customer is told.\n"
}
