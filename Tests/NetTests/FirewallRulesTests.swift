import Elements
import Net
import SIP
import Testing

@Suite struct FirewallRulesTests {
  private let rules = FirewallRules(ports: [
    ListenAddress(.udp, Endpoint(.v4Any, 5060)), ListenAddress(.tcp, Endpoint(.v4Any, 5060)),
    ListenAddress(.tls, Endpoint(.v4Any, 5061)), ListenAddress(.udp, Endpoint(.v6Any, 5060)),
  ])

  @Test("Only the listeners' ports are closed, each transport's own")
  func ports() {
    let arrivals = rules.beginning.split(separator: "\n").filter { $0.contains(" arrivals ") }
    #expect(
      arrivals.map { $0.split(separator: " arrivals ").last } == [
        "{ type filter hook input priority -10; policy accept; }",
        "udp dport { 5060 } meta nfproto ipv4 jump strangers_v4",
        "udp dport { 5060 } meta nfproto ipv6 jump strangers_v6",
        "tcp dport { 5060, 5061 } meta nfproto ipv4 jump strangers_v4",
        "tcp dport { 5060, 5061 } meta nfproto ipv6 jump strangers_v6",
      ])
    #expect(
      rules.beginning.contains(
        "strangers_v6 ip6 saddr & ffff:ffff:ffff:: @banned_v6_48 counter drop\n"))
    #expect(
      rules.beginning.hasPrefix("add table inet martinet_5060\ndelete table inet martinet_5060\n"))
  }

  @Test(
    "Each kind of network has its set",
    arguments: [
      ("203.0.113.7", "banned_v4_32 { 203.0.113.7 timeout 60s }"),
      ("203.0.113.0/24", "banned_v4_24 { 203.0.113.0 timeout 60s }"),
      ("2001:db8:1:2::/64", "banned_v6_64 { 2001:db8:1:2:: timeout 60s }"),
      ("2001:db8:1::/48", "banned_v6_48 { 2001:db8:1:: timeout 60s }"),
      ("2001:db8::1", "banned_v6_others { 2001:db8::1 timeout 60s }"),
    ])
  func sets(network: String, words: String) throws {
    let network = try #require(IPNetwork(network))
    #expect(
      rules.commands([.bar(network, seconds: 60)]).contains(
        "add element inet martinet_5060 \(words)"))
    #expect(!rules.commands([.unbar(network)]).contains("60s"))
  }
}
