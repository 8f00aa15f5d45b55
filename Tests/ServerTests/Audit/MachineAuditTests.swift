import Elements
import Foundation
import Net
import SIP
import Server
import Testing

/// What the audit says of the machine: its ports, its filter, its files.
@Suite struct MachineAuditTests {
  // MARK: Ports

  private static let header =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

  @Test("The kernel's tables: who listens, in both families, and not who is connected")
  func tables() {
    let tcp =
      Self.header
      + "   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0\n"
      + "   1: 0100007F:0050 0200007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0\n"
    #expect(
      OpenPort.read(tcp, .tcp) == [OpenPort(.tcp, Endpoint(.v4Any, 8080), inode: 4711)])
    let udp6 =
      Self.header
      + "  12: B80D0120000000000000000001000000:13C4 00000000000000000000000000000000:0000 07 0:0 00:0 0 0 0 99 2 0 0\n"
    #expect(OpenPort.read(udp6, .udp).map(\.description) == ["UDP [2001:db8::1]:5060"])
  }

  private func ports(
    _ ports: [(OpenPort.Kind, String, String)], ssh: Bool? = false, process: Int32? = 7,
    filter: FilterRules? = nil
  ) throws -> [AuditFinding] {
    var open: [OpenPort] = []
    var owners: [UInt64: PortOwners.Owner] = [:]
    for (index, (kind, address, program)) in ports.enumerated() {
      open.append(OpenPort(kind, try #require(Endpoint(address)), inode: UInt64(index)))
      owners[UInt64(index)] = .init(process: program == "martinet" ? 7 : 8, program: program)
    }
    let listener = ListenAddress(.udp, Endpoint(.v4Any, 5060))
    let own = PortAudit.Own(
      process: process, listeners: [listener], http: nil, rtp: 10_000...29_999)
    return PortAudit(
      open, PortOwners(process == nil ? [:] : owners), own: own, passing: 32_768...60_999,
      sshTakesPasswords: ssh, filter: filter
    ).findings()
  }

  @Test("What listens beside the telephone system is named once, with every address, IPv6 as IPv4")
  func strangers() throws {
    let found = try ports([
      (.udp, "0.0.0.0:5060", "martinet"), (.tcp, "0.0.0.0:5432", "postgres"),
      (.tcp, "[::]:5432", "postgres"), (.tcp, "[::]:7777", "redis-server"),
      (.tcp, "0.0.0.0:23", "inetd"), (.tcp, "0.0.0.0:4444", "mystery"),
      (.udp, "0.0.0.0:40000", "dnsmasq"),
    ])
    #expect(found.map(\.rule) == [.controlPort, .otherPort, .dataPort, .dataPort])
    #expect(found[2].text == "PostgreSQL can be reached at TCP 0.0.0.0:5432, TCP [::]:5432.")
    #expect(found[3].text == "Redis can be reached at TCP [::]:7777.")
  }

  @Test("Without a look at processes the server's own ports are known by their numbers")
  func unseen() throws {
    let found = try ports(
      [(.udp, "0.0.0.0:5060", ""), (.udp, "0.0.0.0:12000", ""), (.tcp, "0.0.0.0:5060", "")],
      process: nil)
    #expect(found.map(\.place) == [.address("TCP 0.0.0.0:5060")])
  }

  @Test("An SSH server is one more port only where passwords open it")
  func ssh() throws {
    let port = [(OpenPort.Kind.tcp, "0.0.0.0:22", "sshd")]
    #expect(try ports(port, ssh: true).map(\.rule) == [.sshPasswords])
    #expect(try ports(port, ssh: false).isEmpty)
    #expect(try ports(port, ssh: nil).map(\.rule) == [.unseenSSH])
  }

  @Test(
    "Settings of SSH: the first value counts, in what is included too, and not what is for some",
    arguments: [
      ("", true), ("PasswordAuthentication no\n", false),
      ("passwordauthentication=no\nPasswordAuthentication yes\n", false),
      ("#PasswordAuthentication no\n", true),
      ("PasswordAuthentication no\nUsePAM yes\n", true),
      ("PasswordAuthentication no\nUsePAM yes\nKbdInteractiveAuthentication no\n", false),
      ("Match User git\nPasswordAuthentication no\n", true),
      ("PasswordAuthentication no\nMatch User bob\nPasswordAuthentication yes\n", true),
      ("Include /etc/ssh/sshd_config.d/*.conf\nPasswordAuthentication no\n", true),
    ])
  func sshSettings(text: String, takes: Bool) {
    let settings = SSHSettings(text) { _ in ["PasswordAuthentication yes\n"] }
    #expect(settings.takesPasswords == takes)
  }

  // MARK: The filter

  private func rules(_ items: String...) -> Data {
    Data("{\"nftables\":[{\"metainfo\":{\"version\":\"1\"}},\(items.joined(separator: ","))]}".utf8)
  }

  private func chain(_ family: String, _ table: String, _ policy: String) -> String {
    "{\"chain\":{\"family\":\"\(family)\",\"table\":\"\(table)\",\"name\":\"in\",\"handle\":1,"
      + "\"type\":\"filter\",\"hook\":\"input\",\"prio\":0,\"policy\":\"\(policy)\"}}"
  }

  private func drop(_ family: String, _ table: String) -> String {
    "{\"rule\":{\"family\":\"\(family)\",\"table\":\"\(table)\",\"chain\":\"in\",\"handle\":2,"
      + "\"expr\":[{\"counter\":{\"packets\":0,\"bytes\":0}},{\"drop\":null}]}}"
  }

  private func firewall(_ json: Data) throws -> [AuditRule] {
    FirewallAudit(try #require(FilterRules(json)), own: "martinet_5060", hasV6: true)
      .findings().map(\.rule)
  }

  @Test("A filter for both families is none too little; our own table is no filter")
  func filters() throws {
    let own = chain("inet", "martinet_5060", "accept")
    let bans = drop("inet", "martinet_5060")
    #expect(try firewall(rules(own, bans)) == [.noFirewall])
    #expect(try firewall(rules(own, chain("inet", "mine", "drop"))) == [])
    #expect(try firewall(rules(own, chain("inet", "mine", "accept"), drop("inet", "mine"))) == [])
    #expect(try firewall(rules(own, chain("inet", "mine", "accept"))) == [.noFirewall])
    #expect(try firewall(rules(own, chain("ip", "mine", "drop"))) == [.openV6])
    #expect(
      try firewall(rules(own, chain("ip", "mine", "drop"), chain("ip6", "mine", "drop"))) == [])
    #expect(try firewall(rules(chain("inet", "mine", "drop"))) == [.kernelBans])
    #expect(FilterRules(Data("Error".utf8)) == nil)
  }

  // MARK: What the filter does with a stranger

  private func rule(
    _ expressions: String..., chain: String = "in", table: String = "mine"
  ) -> String {
    "{\"rule\":{\"family\":\"inet\",\"table\":\"\(table)\",\"chain\":\"\(chain)\",\"handle\":2,"
      + "\"expr\":[\(expressions.joined(separator: ","))]}}"
  }

  private func match(_ left: String, _ right: String, _ operation: String = "==") -> String {
    "{\"match\":{\"op\":\"\(operation)\",\"left\":\(left),\"right\":\(right)}}"
  }

  private func dport(_ right: String, _ kind: String = "tcp", _ operation: String = "==") -> String
  {
    match("{\"payload\":{\"protocol\":\"\(kind)\",\"field\":\"dport\"}}", right, operation)
  }

  private static let (accept, dropped) = ("{\"accept\":null}", "{\"drop\":null}")
  private static let source = "{\"payload\":{\"protocol\":\"ip\",\"field\":\"saddr\"}}"
  private static let state = "{\"ct\":{\"key\":\"state\"}}"
  private static let interface = "{\"meta\":{\"key\":\"iifname\"}}"

  /// Behind a policy of drop: what these rules make of a port.
  private func verdict(
    _ items: [String], _ port: String, _ kind: OpenPort.Kind = .tcp, policy: String = "drop"
  ) throws -> FilterJudge.Verdict {
    let json = Data(
      "{\"nftables\":[\(([chain("inet", "mine", policy)] + items).joined(separator: ","))]}".utf8)
    return FilterJudge(try #require(FilterRules(json)))
      .verdict(on: OpenPort(kind, try #require(Endpoint(port)), inode: 0))
  }

  @Test("Ports, ranges, sets and states: what the filter lets through for a stranger")
  func judged() throws {
    let open = rule(dport("{\"set\":[22,{\"range\":[5060,5061]}]}"), Self.accept)
    #expect(try verdict([open], "0.0.0.0:22") == .open)
    #expect(try verdict([open], "[::]:5061") == .open)
    #expect(try verdict([open], "0.0.0.0:5062") == .closed)
    #expect(try verdict([open], "0.0.0.0:22", .udp) == .closed)
    let named =
      "{\"set\":{\"family\":\"inet\",\"name\":\"ports\",\"table\":\"mine\",\"elem\":[80,{\"range\":[90,99]}]}}"
    #expect(try verdict([named, rule(dport("\"@ports\""), Self.accept)], "0.0.0.0:95") == .open)
    #expect(try verdict([named, rule(dport("\"@ports\""), Self.accept)], "0.0.0.0:81") == .closed)
    #expect(try verdict([rule(dport("\"@gone\""), Self.accept)], "0.0.0.0:81") == .unsure)
    let known = rule(match(Self.state, "[\"established\",\"related\"]", "in"), Self.accept)
    #expect(try verdict([known], "0.0.0.0:22") == .closed)
    #expect(
      try verdict([rule(match(Self.state, "\"new\"", "in"), Self.accept)], "0.0.0.0:22") == .open)
    #expect(try verdict([rule(dport("60000", "tcp", ">="), Self.accept)], "0.0.0.0:60001") == .open)
    #expect(try verdict([rule(dport("53", "udp", "!="), Self.accept)], "0.0.0.0:22") == .closed)
  }

  @Test("Rules for friends are not for strangers, those of the loopback neither")
  func friends() throws {
    func from(_ right: String, _ operation: String = "==") -> String {
      match(Self.source, right, operation)
    }
    let network = "{\"prefix\":{\"addr\":\"198.51.100.0\",\"len\":24}}"
    #expect(try verdict([rule(from(network), dport("22"), Self.accept)], "0.0.0.0:22") == .closed)
    let wide = "{\"prefix\":{\"addr\":\"0.0.0.0\",\"len\":1}}"
    #expect(try verdict([rule(from(wide), dport("22"), Self.accept)], "0.0.0.0:22") == .unsure)
    let others = rule(from(network, "!="), dport("22"), Self.dropped)
    #expect(try verdict([others], "0.0.0.0:22", policy: "accept") == .closed)
    #expect(try verdict([others], "[2001:db8::1]:22", policy: "accept") == .open)
    #expect(
      try verdict([rule(match(Self.interface, "\"lo\""), Self.accept)], "0.0.0.0:22") == .closed)
    #expect(
      try verdict([rule(match(Self.interface, "\"eth0\""), Self.accept)], "0.0.0.0:22") == .unsure)
  }

  @Test("Chains that jump, return and go on, and maps of verdicts")
  func chains() throws {
    let more = "{\"chain\":{\"family\":\"inet\",\"table\":\"mine\",\"name\":\"more\",\"handle\":3}}"
    let jump = rule("{\"jump\":{\"target\":\"more\"}}")
    let inner = rule(dport("80"), Self.accept, chain: "more")
    let back = rule(dport("81"), "{\"return\":null}", chain: "more")
    let rest = rule(Self.dropped, chain: "more")
    let all = [more, jump, inner, back, rest]
    #expect(try verdict(all, "0.0.0.0:80", policy: "accept") == .open)
    #expect(try verdict(all, "0.0.0.0:81", policy: "accept") == .open)
    #expect(try verdict(all, "0.0.0.0:82", policy: "accept") == .closed)
    let circle = rule("{\"jump\":{\"target\":\"more\"}}", chain: "more")
    #expect(try verdict([more, jump, circle], "0.0.0.0:82") == .unsure)
    let map = rule(
      "{\"vmap\":{\"key\":{\"payload\":{\"protocol\":\"tcp\",\"field\":\"dport\"}},\"data\":{\"set\":[[80,\(Self.accept)],[81,\(Self.dropped)]]}}}"
    )
    #expect(try verdict([map], "0.0.0.0:80") == .open)
    #expect(try verdict([map], "0.0.0.0:81", policy: "accept") == .closed)
    #expect(try verdict([map], "0.0.0.0:82", policy: "accept") == .open)
  }

  @Test("Flags under a mask are one value: rules against odd packets do not close a port")
  func flags() throws {
    let field = "{\"payload\":{\"protocol\":\"tcp\",\"field\":\"flags\"}}"
    func odd(_ mask: String, _ wanted: String, _ operation: String = "==") -> String {
      rule(match("{\"&\":[\(field),\(mask)]}", wanted, operation), Self.dropped)
    }
    let (syn, both) = ("\"syn\"", "[\"fin\",\"syn\"]")
    #expect(try verdict([odd(both, both)], "0.0.0.0:6379", policy: "accept") == .open)
    let old = "{\"|\":[\"fin\",\"syn\"]}"
    #expect(try verdict([odd(old, old)], "0.0.0.0:6379", policy: "accept") == .open)
    let none = odd("[\"fin\",\"syn\",\"rst\",\"ack\"]", "0")
    #expect(try verdict([none], "0.0.0.0:6379", policy: "accept") == .open)
    let first = odd("[\"fin\",\"syn\",\"rst\",\"ack\"]", syn)
    #expect(try verdict([first], "0.0.0.0:6379", policy: "accept") == .closed)
    // Datagrams have no flags.
    #expect(try verdict([first], "0.0.0.0:161", .udp, policy: "accept") == .open)
    let other = odd("[\"fin\",\"syn\",\"rst\",\"ack\"]", syn, "!=")
    #expect(try verdict([other], "0.0.0.0:6379", policy: "accept") == .open)
    let any = rule(match(field, "[\"fin\",\"rst\"]", "in"), Self.dropped)
    #expect(try verdict([any], "0.0.0.0:6379", policy: "accept") == .open)
    #expect(
      try verdict([rule(match(field, syn, "in"), Self.dropped)], "0.0.0.0:6379", policy: "accept")
        == .closed)
  }

  @Test("A rate within a set is for some only, and what a set holds may not be known")
  func sets() throws {
    let noted = "\"op\":\"add\",\"elem\":\(Self.source),\"set\":\"@l\""
    let rate = "\"stmt\":[{\"limit\":{\"rate\":30,\"per\":\"minute\",\"inv\":true}}]"
    let shaped = rule(dport("6379"), "{\"set\":{\(noted),\(rate)}}", Self.dropped)
    #expect(try verdict([shaped], "0.0.0.0:6379", policy: "accept") == .unsure)
    let counted = rule(dport("6379"), "{\"set\":{\(noted)}}", Self.dropped)
    #expect(try verdict([counted], "0.0.0.0:6379", policy: "accept") == .closed)
    let map = rule(
      "{\"vmap\":{\"key\":{\"payload\":{\"protocol\":\"tcp\",\"field\":\"dport\"}},\"data\":\"@gone\"}}"
    )
    #expect(try verdict([map], "0.0.0.0:80") == .unsure)
    let ports = "{\"set\":{\"family\":\"inet\",\"name\":\"open\",\"table\":\"mine\"}}"
    var filter = try #require(
      FilterRules(
        rules(chain("inet", "mine", "drop"), ports, rule(dport("\"@open\""), Self.accept))))
    let redis = OpenPort(.tcp, try #require(Endpoint("0.0.0.0:6379")), inode: 0)
    #expect(FilterJudge(filter).verdict(on: redis) == .closed)
    filter.forget(setsOf: try #require(filter.tablesWithSets.first))
    #expect(FilterJudge(filter).verdict(on: redis) == .unsure)
  }

  @Test("What else is said of an address in a set tells no ports apart")
  func timed() throws {
    let banned =
      "{\"set\":{\"family\":\"inet\",\"name\":\"banned\",\"table\":\"mine\",\"elem\":[{\"elem\":{\"val\":\"192.0.2.1\",\"timeout\":600,\"expires\":577}}]}}"
    let filter = try #require(
      FilterRules(
        rules(chain("inet", "mine", "drop"), banned, rule(dport("5060"), Self.accept))))
    #expect(filter.ranges == [1...5059, 5060...5060, 5061...65_535])
  }

  @Test("What cannot be read may be either way, and what is sent on is not closed by the filter")
  func unsure() throws {
    #expect(try verdict([rule("{\"xt\":null}", Self.accept)], "0.0.0.0:80") == .unsure)
    #expect(try verdict([rule("{\"xt\":null}")], "0.0.0.0:80") == .unsure)
    #expect(
      try verdict([rule("{\"limit\":{\"rate\":10,\"per\":\"second\"}}", Self.accept)], "0.0.0.0:80")
        == .unsure)
    let nat =
      "{\"chain\":{\"family\":\"inet\",\"table\":\"nat\",\"name\":\"pre\",\"handle\":1,\"type\":\"nat\",\"hook\":\"prerouting\",\"prio\":-100,\"policy\":\"accept\"}}"
    let led = rule(
      dport("8080"), "{\"dnat\":{\"addr\":\"172.17.0.2\",\"port\":80}}", chain: "pre", table: "nat")
    #expect(try verdict([nat, led], "0.0.0.0:8080") == .unsure)
    #expect(try verdict([nat, led], "0.0.0.0:8081") == .closed)
    #expect(try firewall(rules(chain("inet", "mine", "drop"), nat, led)).contains(.otherPort))
  }

  @Test("A port that the filter closes is not reached, one that it opens is")
  func closedPorts() throws {
    let open = [
      (OpenPort.Kind.tcp, "0.0.0.0:5432", "postgres"), (.tcp, "0.0.0.0:6379", "redis-server"),
    ]
    let filter = FilterRules(
      rules(chain("inet", "mine", "drop"), rule(dport("6379"), Self.accept)))
    #expect(
      try ports(open, filter: filter).map(\.text) == ["Redis can be reached at TCP 0.0.0.0:6379."])
    #expect(try ports(open, filter: nil).count == 2)
  }

  @Test(
    "A filter that closes a single port or sender is none; one that opens what is not there has a hole"
  )
  func holes() throws {
    let own = chain("inet", "martinet_5060", "accept")
    let one = rule(dport("25"), Self.dropped)
    #expect(try firewall(rules(own, chain("inet", "mine", "accept"), one)) == [.noFirewall])
    let filter = try #require(
      FilterRules(
        rules(
          own, chain("inet", "mine", "drop"),
          rule(dport("{\"set\":[5060,{\"range\":[8000,8010]}]}"), Self.accept))))
    func found(_ used: [ClosedRange<UInt16>]?) -> [AuditFinding] {
      FirewallAudit(filter, own: "martinet_5060", hasV6: true).findings(used: used)
    }
    #expect(found(nil).isEmpty)
    #expect(found([5060...5060, 8000...8010]).isEmpty)
    #expect(found([5060...5060, 8000...8004, 8006...8010]).map(\.rule) == [.hole])
    #expect(
      found([5060...5060, 8000...8004, 8006...8010]).first?.text.hasSuffix(": 8005.") == true)
    #expect(found([5060...5060]).first?.text.hasSuffix(": 8000-8010.") == true)
  }

  // MARK: Files

  @Test("Files that others may read are named; what is the owner's alone is not")
  func files() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "audit-\(UUID())").path
    let manager = FileManager.default
    try manager.createDirectory(
      atPath: folder + "/tls/office", withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o700])
    defer { try? manager.removeItem(atPath: folder) }
    func mode(_ path: String, _ mode: Int) throws {
      try manager.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }
    func make(_ name: String, _ rights: Int) throws {
      try Data("x".utf8).write(to: URL(filePath: "\(folder)/\(name)"))
      try mode("\(folder)/\(name)", rights)
    }
    func found(_ place: String? = nil, server: Int32? = nil) -> [AuditRule] {
      FileAudit(folder: place ?? folder, tlsFolder: folder + "/tls", server: server)
        .findings().map(\.rule)
    }
    try mode(folder, 0o700)
    for name in [
      "master.key", "tls/key.pem", "tls/office/key.pem", "tls/acme-account.pem", "control.sock",
      "backup.tar",
    ] {
      try make(name, 0o600)
    }
    try make("martinet.db", 0o644)  // Nobody else gets to it.
    #expect(found() == [])
    try mode(folder, 0o750)
    #expect(found() == [.dataFolder])
    try mode(folder, 0o700)
    for (name, rule) in [
      ("master.key", AuditRule.secretFile), ("tls/key.pem", .secretFile),
      ("tls/office/key.pem", .secretFile), ("tls/acme-account.pem", .secretFile),
      ("control.sock", .controlSocket), ("backup.tar", .foreignFile),
    ] {
      try mode("\(folder)/\(name)", 0o640)
      #expect(found() == [rule], "\(name)")
      try mode("\(folder)/\(name)", 0o600)
    }
    // systemd has a link where the folder of a service is looked for.
    try manager.createSymbolicLink(atPath: folder + "-link", withDestinationPath: folder)
    defer { try? manager.removeItem(atPath: folder + "-link") }
    #expect(found(folder + "-link") == [])
    // This process as the server: whoever runs the tests.
    #expect(found(server: getpid()) == (getuid() == 0 ? [.root] : []))
  }

  @Test("Settings that others may read with secrets in them, or that others may change")
  func settings() throws {
    let manager = FileManager.default
    let root = manager.temporaryDirectory.appending(path: "audit-\(UUID())").path
    defer { try? manager.removeItem(atPath: root) }
    func make(_ name: String, _ text: String, _ mode: Int) throws {
      try Data(text.utf8).write(to: URL(filePath: "\(root)/\(name)"))
      try manager.setAttributes([.posixPermissions: mode], ofItemAtPath: "\(root)/\(name)")
    }
    func folder(_ name: String, _ mode: Int) throws {
      try manager.createDirectory(
        atPath: "\(root)/\(name)", withIntermediateDirectories: true,
        attributes: [.posixPermissions: mode])
      try manager.setAttributes([.posixPermissions: mode], ofItemAtPath: "\(root)/\(name)")
    }
    func found(_ settings: String? = "etc/martinet.yaml") -> [String] {
      FileAudit(
        folder: "\(root)/data", tlsFolder: "\(root)/data/tls",
        settings: settings.map { "\(root)/\($0)" },
        server: nil
      ).findings().map { finding in
        guard case .file(let path) = finding.place else { return "\(finding.rule)" }
        return "\(finding.rule) \(path.replacing(root + "/", with: ""))"
      }
    }
    try folder("", 0o755)
    try folder("data", 0o700)
    try folder("etc", 0o755)
    try make("etc/martinet.yaml", "http: 127.0.0.1:9090\n", 0o644)
    #expect(found() == [])
    try make(
      "etc/martinet.yaml", "sharing:\n  readers:\n    - { name: a, token: k3hs8fj2 }\n", 0o644)
    #expect(found() == ["clearSecrets etc/martinet.yaml"])
    try make("etc/martinet.yaml", "sharing: { readers: [{ name: a, token: k3hs8fj2 }] }\n", 0o600)
    try make("etc/office.yaml", "password: \"telefon\"\n", 0o644)
    try make("etc/other.yaml", "# password: telefon\n", 0o644)
    #expect(found() == ["clearSecrets etc/office.yaml"])
    // Nobody gets through to it.
    try folder("etc", 0o700)
    #expect(found() == [])
    try folder("etc", 0o755)
    try make("etc/office.yaml", "", 0o644)
    try make("etc/martinet.yaml", "", 0o602)
    #expect(found() == ["changeable etc/martinet.yaml"])
    try make("etc/martinet.yaml", "", 0o600)
    try folder("etc", 0o757)
    #expect(found() == ["changeable etc"])
    try folder("etc", 0o1757)
    #expect(found() == [])
    try folder("etc", 0o755)
    #expect(found("etc/gone.yaml") == ["unseenFiles etc/gone.yaml"])
    // A link is as safe as the folder that it lies in, wherever it leads.
    try folder("links", 0o757)
    try manager.createSymbolicLink(
      atPath: "\(root)/links/settings", withDestinationPath: "../etc/martinet.yaml")
    #expect(found("links/settings") == ["changeable links"])
    try folder("links", 0o755)
    #expect(found("links/settings") == [])
    // Round and round.
    try manager.createSymbolicLink(
      atPath: "\(root)/links/again", withDestinationPath: "../links/again")
    #expect(found("links/again") == ["unseenFiles links/again"])
    if getuid() == 0 {
      // The web server is not root.
      try make("etc/martinet.yaml", "", 0o620)
      chown("\(root)/etc/martinet.yaml", 0, 33)
      #expect(found() == ["changeable etc/martinet.yaml"])
      chown("\(root)/etc/martinet.yaml", 0, 50)
      #expect(found() == [])
      try make("etc/martinet.yaml", "", 0o600)
      try folder("links", 0o1777)
      lchown("\(root)/links/settings", 4711, 0)
      #expect(found("links/settings") == ["changeable links/settings"])
      chown("\(root)/etc/martinet.yaml", 4711, 0)
      #expect(found() == ["changeable etc/martinet.yaml"])
    }
  }

  @Test(
    "Secrets in clear, by their keys",
    arguments: [
      ("password: telefon", true), ("  - { token: \"k3\" }", true), ("'secret' : x", true),
      ("password:", false), ("password: \"\"", false), ("password: ~", false),
      ("#password: x", false),
      ("password_file: /x", false), ("the password is: none", false), ("Password: x", true),
    ])
  func secretLines(line: String, holds: Bool) {
    #expect(SecretLines.holds("a: 1\n\(line)\nb: 2\n") == holds)
  }
}
