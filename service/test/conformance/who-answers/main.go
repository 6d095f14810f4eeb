// Uses LiveKit's own code to decide which trunk and rule would take a call: JSON in, JSON out.
package main

import (
	"encoding/json"
	"log"
	"os"

	"github.com/dennwc/iters"
	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/rpc"
	"github.com/livekit/protocol/sip"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

type question struct {
	Trunks []json.RawMessage `json:"trunks"`
	Rules  []json.RawMessage `json:"rules"`
	Calls  []call            `json:"calls"`
}

type call struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Address string `json:"address"`
}

type answer struct {
	Trunk string `json:"trunk,omitempty"`
	Rule  string `json:"rule,omitempty"`
	Error string `json:"error,omitempty"`
}

func main() {
	var asked question
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		log.Fatal(err)
	}
	trunks := read(asked.Trunks, func() *livekit.SIPInboundTrunkInfo { return &livekit.SIPInboundTrunkInfo{} })
	rules := read(asked.Rules, func() *livekit.SIPDispatchRuleInfo { return &livekit.SIPDispatchRuleInfo{} })
	answers := []answer{}
	for _, one := range asked.Calls {
		answers = append(answers, who(trunks, rules, one))
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		log.Fatal(err)
	}
}

func read[T proto.Message](raw []json.RawMessage, empty func() T) []T {
	var all []T
	for _, one := range raw {
		message := empty()
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(one, message); err != nil {
			log.Fatal(err)
		}
		all = append(all, message)
	}
	return all
}

func who(trunks []*livekit.SIPInboundTrunkInfo, rules []*livekit.SIPDispatchRuleInfo, one call) answer {
	to := &livekit.SIPUri{User: one.To, Host: "sip.example.com"}
	from := &livekit.SIPUri{User: one.From, Host: one.Address}
	invite := &rpc.SIPCall{LkCallId: "call", SourceIp: one.Address, From: from, To: to, Address: to}
	trunk, err := sip.MatchTrunkIter(iters.Slice(trunks), invite)
	if err != nil {
		return answer{Error: err.Error()}
	}
	if trunk == nil {
		return answer{Error: "no trunk"}
	}
	request := &rpc.EvaluateSIPDispatchRulesRequest{
		CallingNumber: one.From, CalledNumber: one.To, SrcAddress: one.Address, Call: invite,
	}
	rule, err := sip.MatchDispatchRuleIter(trunk, iters.Slice(rules), request)
	if err != nil {
		return answer{Trunk: trunk.SipTrunkId, Error: err.Error()}
	}
	return answer{Trunk: trunk.SipTrunkId, Rule: rule.SipDispatchRuleId}
}
