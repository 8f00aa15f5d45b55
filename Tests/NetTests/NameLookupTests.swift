import Elements
import Net
import SIP
import Switch
import Testing

@Suite struct NameLookupTests {
  /// A world of names: records by name and type, addresses by host.
  private struct Names {
    var records: [String: [DNSMessage.Data]] = [:]
    var hosts: [String: [String]] = [:]

    func targets(
      _ host: String, port: UInt16? = nil, _ transport: Transport? = nil, seed: UInt64 = 1
    ) -> [String] {
      let lookup = NameLookup(
        maximumTargets: 16, records: { name, type in records["\(name) \(type)"] ?? [] },
        addresses: { name in (hosts[name] ?? []).compactMap { IPAddress($0) } })
      var dice = SplitMix(seed: seed)
      let query = NameQuery(host: host, port: port, transport: transport)
      return lookup.targets(of: query, using: &dice).map {
        "\($0.transport.viaToken) \($0.remote)"
      }
    }
  }

  private static func service(
    _ target: String, priority: UInt16 = 1, weight: UInt16 = 0, port: UInt16 = 5060
  ) -> DNSMessage.Data {
    .service(priority: priority, weight: weight, port: port, target: target)
  }

  @Test("RFC 3263 §4.1, §4.2: an address needs no look-up; UDP and the default port")
  func literals() {
    let names = Names()
    #expect(names.targets("192.0.2.1") == ["UDP 192.0.2.1:5060"])
    #expect(names.targets("192.0.2.1", port: 5080, .tcp) == ["TCP 192.0.2.1:5080"])
    #expect(names.targets("2001:db8::1", .tls) == ["TLS [2001:db8::1]:5061"])
  }

  @Test("RFC 3263 §4.1: NAPTR's order decides about the transport")
  func pointers() {
    var names = Names()
    names.records["example.com naptr"] = [
      .pointer(order: 2, preference: 0, flags: "s", service: "sip+d2u", replacement: "u"),
      .pointer(order: 1, preference: 5, flags: "s", service: "sip+d2t", replacement: "t"),
      .pointer(order: 1, preference: 1, flags: "s", service: "sips+d2t", replacement: "s"),
      .pointer(order: 0, preference: 0, flags: "s", service: "h323+d2u", replacement: "x"),
      .pointer(order: 0, preference: 0, flags: "u", service: "sip+d2u", replacement: "y"),
    ]
    names.records["u srv"] = [Self.service("h", port: 1)]
    names.records["t srv"] = [Self.service("h", port: 2)]
    names.records["s srv"] = [Self.service("h", port: 3)]
    names.hosts["h"] = ["192.0.2.9"]
    #expect(
      names.targets("Example.com") == ["TLS 192.0.2.9:3", "TCP 192.0.2.9:2", "UDP 192.0.2.9:1"])
  }

  @Test("RFC 3263 §4.1: without NAPTR, SRV of the transports we speak; then the host itself")
  func withoutPointers() {
    var names = Names()
    names.hosts["example.com"] = ["192.0.2.5"]
    #expect(names.targets("example.com") == ["UDP 192.0.2.5:5060"])
    names.records["_sip._tcp.example.com srv"] = [Self.service("h", port: 5070)]
    names.hosts["h"] = ["192.0.2.9"]
    #expect(names.targets("example.com") == ["TCP 192.0.2.9:5070"])
    #expect(names.targets("example.com", .udp) == ["UDP 192.0.2.5:5060"])
    #expect(names.targets("example.com", port: 5090) == ["UDP 192.0.2.5:5090"])
    #expect(names.targets("nobody.example") == [])
  }

  @Test("RFC 2782: by priority, and within one by weight: three of four times the heavier first")
  func weights() {
    var names = Names()
    names.records["_sip._udp.d srv"] = [
      Self.service("c", priority: 2), Self.service("a", weight: 30), Self.service("b", weight: 10),
    ]
    names.hosts = ["a": ["192.0.2.1"], "b": ["192.0.2.2"], "c": ["192.0.2.3"]]
    var heavierFirst = 0
    for seed in UInt64(1)...1_000 {
      let targets = names.targets("d", seed: seed)
      #expect(targets.count == 3)
      #expect(targets.last == "UDP 192.0.2.3:5060")
      if targets.first == "UDP 192.0.2.1:5060" { heavierFirst += 1 }
    }
    #expect((700...800).contains(heavierFirst), "\(heavierFirst) of 1000")
  }

  @Test("RFC 2782: the target \".\" says that there is no such service")
  func noSuchService() {
    var names = Names()
    names.records["_sip._udp.d srv"] = [Self.service("")]
    names.hosts["d"] = []
    #expect(names.targets("d") == [])
  }
}
