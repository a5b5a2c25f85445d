//go:build !race

package engine_test

const defaultWorlds = 2000
