// Says which tags fluxd's own policies take: JSON in, JSON out.
package main

import (
	"encoding/json"
	"os"

	"github.com/fluxcd/flux/pkg/policy"
)

type asked struct{ Patterns, Tags []string }

func main() {
	var given asked
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		panic(err)
	}
	answer := [][]bool{}
	for _, text := range given.Patterns {
		pattern := policy.NewPattern(text)
		row := []bool{}
		for _, tag := range given.Tags {
			row = append(row, pattern.Matches(tag))
		}
		answer = append(answer, row)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		panic(err)
	}
}
