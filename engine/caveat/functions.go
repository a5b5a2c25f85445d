package caveat

import (
	"fmt"
	"net/netip"
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

const (
	inCIDR            = "in_cidr"
	inCIDROverload    = "ipaddress_in_cidr_string"
	isSubtreeOf       = "isSubtreeOf"
	isSubtreeOverload = "map_is_subtree_of_map"
)

// functionCosts charges for reading the network and for walking the subtree.
func functionCosts() []cost.OverloadModel {
	perUnit := cost.StringTraversalCostFactor
	return []cost.OverloadModel{
		cost.MemberOverload(inCIDROverload, cost.EvalCost(cost.Scale(cost.Arg(0), perUnit))),
		cost.MemberOverload(isSubtreeOverload, cost.EvalCost(cost.Scale(cost.Target(), perUnit))),
	}
}

// ipType is the type of an ipaddress parameter. Bodies cannot make values of
// it, only compare them and ask in_cidr.
func ipType() *cel.Type { return types.NewOpaqueType("ipaddress") }

// ipAddress is a value of ipType; IPv4 addresses are never mapped into IPv6.
type ipAddress struct{ addr netip.Addr }

var _ ref.Val = ipAddress{}

// ConvertToNative implements ref.Val.
func (ip ipAddress) ConvertToNative(t reflect.Type) (any, error) {
	if t == reflect.TypeFor[netip.Addr]() {
		return ip.addr, nil
	}
	return nil, fmt.Errorf("an ipaddress cannot become %s", t)
}

// ConvertToType implements ref.Val.
func (ip ipAddress) ConvertToType(t ref.Type) ref.Val {
	switch t {
	case types.TypeType:
		return ipType()
	case types.StringType:
		return types.String(ip.addr.String())
	}
	return types.NewErr("an ipaddress cannot become %s", t.TypeName())
}

// Equal implements ref.Val.
func (ip ipAddress) Equal(other ref.Val) ref.Val {
	o, ok := other.(ipAddress)
	return types.Bool(ok && ip == o)
}

// Type implements ref.Val.
func (ip ipAddress) Type() ref.Type { return ipType() }

// Value implements ref.Val.
func (ip ipAddress) Value() any { return ip.addr }

// inCIDRFunction declares ip.in_cidr(string).
func inCIDRFunction() cel.EnvOption {
	return cel.Function(inCIDR, cel.MemberOverload(inCIDROverload,
		[]*cel.Type{ipType(), cel.StringType}, cel.BoolType,
		cel.BinaryBinding(func(ip, cidr ref.Val) ref.Val {
			addr, ok := ip.(ipAddress)
			text, okText := cidr.(types.String)
			if !ok || !okText {
				return types.MaybeNoSuchOverloadErr(ip)
			}
			prefix, err := parseCIDR(string(text))
			if err != nil {
				return types.WrapErr(err)
			}
			// A zone says which link an address is on, not whether it is in a network.
			return types.Bool(prefix.Contains(addr.addr.WithZone("")))
		})))
}

// parseCIDR unmaps networks of mapped IPv4 addresses, as addresses are.
func parseCIDR(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, fmt.Errorf("%s is not a network such as 10.0.0.0/8", describe(s))
	}
	const mapped = 96 // bits before the IPv4 address
	if p.Addr().Is4In6() && p.Bits() >= mapped {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mapped)
	}
	return p, nil
}

// isSubtreeOfFunction declares map.isSubtreeOf(map): whether every key of the
// first is in the second with an equal value, or with a map of which the
// first's is a subtree.
func isSubtreeOfFunction() cel.EnvOption {
	m := cel.MapType(cel.StringType, cel.DynType)
	return cel.Function(isSubtreeOf, cel.MemberOverload(isSubtreeOverload,
		[]*cel.Type{m, m}, cel.BoolType,
		cel.BinaryBinding(func(a, b ref.Val) ref.Val {
			sub, ok := a.(traits.Mapper)
			super, okSuper := b.(traits.Mapper)
			if !ok || !okSuper {
				return types.MaybeNoSuchOverloadErr(a)
			}
			return types.Bool(subtree(sub, super))
		})))
}

func subtree(sub, super traits.Mapper) bool {
	for it := sub.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		want, found := super.Find(key)
		if !found {
			return false
		}
		got, _ := sub.Find(key)
		gotMap, ok := got.(traits.Mapper)
		wantMap, okWant := want.(traits.Mapper)
		switch {
		case ok && okWant:
			if !subtree(gotMap, wantMap) {
				return false
			}
		case types.Equal(got, want) != types.True:
			return false
		}
	}
	return true
}
