//go:build race

package engine_test

// defaultWorlds is as many as make the census telling: `make test` asks the others
// without the race detector.
const defaultWorlds = fewest
