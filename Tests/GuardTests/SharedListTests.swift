import Elements
import Guard
import Testing

/// What is believed of others' lists (docs/guard.md, A48).
@Suite struct SharedListTests {
  private let thief = IPNetwork(test: "203.0.113.7")
  private var node = Operator(1)
  private var other = Operator(2)

  @Test("What a node of ours lists is banned until the entry is over, and no longer")
  mutating func ownNode() throws {
    let exchange = Exchange([(node, .node)])
    let hearing = try exchange.hear(&node, thief)
    #expect(hearing.verdicts == [.counts])
    #expect(hearing.changes == [.list(Listed(thief, until: exchange.now.wall + .seconds(300)))])
    exchange.wait(.seconds(299))
    #expect(exchange.isBanned(thief))
    exchange.wait(.seconds(1))
    #expect(!exchange.isBanned(thief))
  }

  @Test("A48: an entry counts once: what was heard before is refused, and changes nothing")
  mutating func replay() throws {
    let exchange = Exchange([(node, .node)])
    let listing = node.next(exchange.listing(thief), at: exchange.now.wall)
    let removal = node.next(.removal(thief), at: exchange.now.wall)
    _ = try exchange.hear(listing)
    #expect(try exchange.hear(removal).changes == [.unlist(thief)])
    #expect(throws: EntryRefusal.replayed(sequence: 1, last: 2)) { try exchange.hear(listing) }
    #expect(!exchange.isBanned(thief))
  }

  @Test("A48: nothing is left out and nothing put in between: an entry follows the one before")
  mutating func chain() throws {
    let exchange = Exchange([(node, .node)])
    let first = node.next(exchange.listing(thief), at: exchange.now.wall)
    let second = node.next(.removal(thief), at: exchange.now.wall)
    #expect(throws: EntryRefusal.gap(sequence: 2, last: 0)) { try exchange.hear(second) }
    _ = try exchange.hear(first)
    let forged = ListEntry(
      reporter: node.key, sequence: 2, previous: other.key, at: exchange.now.wall,
      deed: .removal(thief))
    #expect(throws: EntryRefusal.forked(sequence: 2)) { try exchange.hear(forged) }
    #expect(exchange.isBanned(thief))
    _ = try exchange.hear(second)
    #expect(!exchange.isBanned(thief))
  }

  @Test("A48: who is no peer is not heard")
  mutating func stranger() throws {
    let exchange = Exchange([(node, .node)])
    let entry = other.next(exchange.listing(thief), at: exchange.now.wall)
    #expect(throws: EntryRefusal.stranger(other.key)) { try exchange.hear(entry) }
    #expect(!exchange.isBanned(thief))
  }

  @Test("A48: the largest numbers are refused as others are")
  mutating func largest() throws {
    let exchange = Exchange([(node, .node)])
    var previous = Bits256.zero
    let cases: [(UInt64, Int64, EntryDefect?)] = [
      (.max, .max, nil), (1, .max, .wrongTime), (2, .min, .tooLong),
    ]
    for (sequence, wall, defect) in cases {
      let end = WallTime(unixMilliseconds: wall)
      let entry = ListEntry(
        reporter: node.key, sequence: sequence, previous: previous, at: end,
        deed: .listing(
          Listing(
            thief, offence: 255, evidence: .proven, digest: .zero, first: end, last: end,
            expires: WallTime(unixMilliseconds: .max), score: .max)))
      let hearing = exchange.hear([entry])
      #expect(hearing.defect == defect)
      #expect((hearing.refusal == nil) == (defect != nil))
      if defect != nil { previous = Operator.digest(entry) }
    }
    exchange.list.skip(node.key, to: .max)
    #expect(throws: EntryRefusal.self) { try exchange.hear(&node, thief) }
    #expect(!exchange.isBanned(thief))
  }

  @Test("What is over when it comes goes by without effect, and the list goes on behind it")
  mutating func expired() throws {
    let exchange = Exchange([(node, .node)])
    let old = node.next(exchange.listing(thief), at: exchange.now.wall)
    exchange.wait(.seconds(301))
    #expect(try exchange.hear(old).defect == .expired)
    #expect(!exchange.isBanned(thief))
    try exchange.hear(&node, thief)
    #expect(exchange.isBanned(thief))
  }

  @Test(
    "A48: a reporter's clock may stand two minutes ahead, and nobody is listed for more than a week"
  )
  mutating func clock() throws {
    let exchange = Exchange([(node, .node)])
    func entry(_ skew: Duration, _ lasting: Duration, _ peer: inout Operator) -> ListEntry {
      let wall = exchange.now.wall + skew
      return peer.next(
        .listing(
          Listing(
            thief, offence: 1, evidence: .proven, digest: .zero, first: wall, last: wall,
            expires: wall + lasting, score: 5)), at: wall)
    }
    let week = Duration.seconds(604_800)
    #expect(try exchange.hear(entry(.seconds(121), .seconds(60), &node)).defect == .wrongTime)
    #expect(try exchange.hear(entry(.zero, week + .seconds(1), &node)).defect == .tooLong)
    #expect(try exchange.hear(entry(.seconds(-300), .seconds(200), &node)).defect == .expired)
    let future = node.next(
      exchange.listing(thief, last: exchange.now.wall + .seconds(900)), at: exchange.now.wall)
    #expect(try exchange.hear(future).defect == .wrongTime)
    #expect(!exchange.isBanned(thief))
    #expect(try exchange.hear(entry(.seconds(120), week, &node)).defect == nil)
    #expect(exchange.isBanned(thief))
  }

  @Test("A48: only what is proven counts")
  mutating func unproven() throws {
    let exchange = Exchange([(node, .node)])
    let rumour = node.next(
      exchange.listing(thief, evidence: .claimed), at: exchange.now.wall)
    #expect(try exchange.hear(rumour).defect == .unproven)
    #expect(!exchange.isBanned(thief))
  }

  @Test(
    "A48: nothing wider than a provider's customer has, not even by configuration",
    arguments: [
      "0.0.0.0/0", "203.0.0.0/8", "203.0.113.0/23", "::/0", "2001:db8::/32", "2001:db8:1::/47",
      "::ffff:203.0.112.0/119",
    ])
  func wide(_ text: String) throws {
    var node = Operator(1)
    var rules = SharingRules()
    (rules.widestV4, rules.widestV6) = (0, 0)
    let exchange = Exchange([(node, .node)], rules)
    let network = try #require(IPNetwork(text))
    #expect(try exchange.hear(&node, network).defect == .tooWide(network))
    #expect(exchange.list.all(at: exchange.now.wall).isEmpty)
    for fits in ["203.0.113.0/24", "2001:db8:1::/48"] {
      #expect(try exchange.hear(&node, IPNetwork(test: fits)).defect == nil)
    }
  }

  @Test("A narrower bound is a person's choice")
  mutating func narrower() throws {
    var rules = SharingRules()
    (rules.widestV4, rules.widestV6) = (32, 64)
    let exchange = Exchange([(node, .node)], rules)
    let network = IPNetwork(test: "203.0.113.0/31")
    #expect(try exchange.hear(&node, network).defect == .tooWide(network))
  }

  @Test(
    "A48: never listed: private, loopback, shared, link-local and multicast addresses, and whom the operator names",
    arguments: [
      "10.1.2.3", "127.0.0.1", "100.64.0.7", "169.254.1.1", "172.20.0.0/24", "192.168.1.1",
      "198.18.0.1", "224.0.0.5", "255.255.255.255", "0.0.0.0", "::1", "::", "fc00::1", "fe80::1",
      "ff02::1", "::ffff:10.0.0.1", "198.51.100.20", "198.51.100.0/24", "2001:db8:5::/48",
    ])
  func never(_ text: String) throws {
    var node = Operator(1)
    var rules = SharingRules()
    rules.never = ["198.51.100.16/28", "2001:db8:5:1::/64"].map { IPNetwork(test: $0) }
    let exchange = Exchange([(node, .node)], rules)
    let network = try #require(IPNetwork(text))
    guard case .never(network, _)? = try exchange.hear(&node, network).defect else {
      Issue.record("\(network) was taken")
      return
    }
    #expect(!exchange.isBanned(network))
  }

  @Test(
    "A48: a reporter lists so many within an hour, however many it has, and others are not held up by it"
  )
  mutating func budget() throws {
    let exchange = Exchange([(other, .ban), (node, .node)])
    var taken = 0
    for number in 0..<2_000 {
      let verdict = try exchange.hear(
        &other, IPNetwork(IPAddress(v4: 0xCB00_0000 + UInt32(number) << 8)))
      if verdict.defect == nil { taken += 1 } else { #expect(verdict.defect == .tooOften) }
    }
    #expect(taken == 500)
    #expect(try exchange.hear(&node, thief).defect == nil)
    exchange.wait(.seconds(3_600))
    for number in 0..<500 {
      let network = IPNetwork(IPAddress(v4: 0xCC00_0000 + UInt32(number) << 8))
      #expect(try exchange.hear(&other, network).defect == nil)
    }
  }

  @Test("A48: so many listings of a reporter hold at a time; what is over makes room")
  mutating func overflow() throws {
    let exchange = Exchange([(other, .ban)])
    for number in 0..<5_000 {
      let network = IPNetwork(IPAddress(v4: 0xCB00_0000 + UInt32(number)))
      #expect(try exchange.hear(&other, network, lasting: .seconds(86_400)).defect == nil)
      exchange.wait(.milliseconds(7_200))
    }
    #expect(try exchange.hear(&other, thief).defect == .tooMany)
    #expect(exchange.list.count(of: other.key) == 5_000)
    exchange.wait(.seconds(86_400))
    exchange.list.sweep(at: exchange.now.wall)
    #expect(exchange.list.count(of: other.key) == 0)
    #expect(try exchange.hear(&other, thief).defect == nil)
  }

  @Test("A48: who is only watched bans nobody alone, and two of them do as long as both list it")
  mutating func corroboration() throws {
    var third = Operator(3)
    let exchange = Exchange([(node, .watch), (other, .watch), (third, .watch)])
    #expect(try exchange.hear(&node, thief, lasting: .seconds(600)).changes == [])
    // The same again by the same is no second voice.
    #expect(try exchange.hear(&node, thief, lasting: .seconds(900)).changes == [])
    #expect(!exchange.isBanned(thief))
    let soon = exchange.now.wall + .seconds(300)
    #expect(
      try exchange.hear(&other, thief, lasting: .seconds(300)).changes == [
        .list(Listed(thief, until: soon))
      ])
    let later = exchange.now.wall + .seconds(600)
    #expect(
      try exchange.hear(&third, thief, lasting: .seconds(600)).changes == [
        .list(Listed(thief, until: later))
      ])
    exchange.wait(.seconds(601))
    #expect(!exchange.isBanned(thief))
  }

  @Test("Who lists a network lists each address in it, and not the other way round")
  mutating func nested() throws {
    let exchange = Exchange([(node, .watch), (other, .watch)])
    let around = IPNetwork(test: "203.0.113.0/24")
    try exchange.hear(&node, thief)
    try exchange.hear(&other, around)
    #expect(exchange.isBanned(thief))
    #expect(!exchange.isBanned(around))
    #expect(
      try exchange.hear(other.next(.removal(around), at: exchange.now.wall)).changes == [
        .unlist(thief)
      ])
  }

  @Test("A48: a removal takes back what its own reporter said, and nobody else's word")
  mutating func removal() throws {
    let exchange = Exchange([(node, .node), (other, .ban)])
    try exchange.hear(&node, thief)
    let removal = other.next(.removal(thief), at: exchange.now.wall)
    #expect(try exchange.hear(removal).defect == .notListed(thief))
    #expect(exchange.isBanned(thief))
    try exchange.hear(&other, thief, lasting: .seconds(900))
    _ = try exchange.hear(node.next(.removal(thief), at: exchange.now.wall))
    #expect(
      exchange.list.bannedUntil(thief, at: exchange.now.wall) == exchange.now.wall + .seconds(900))
  }

  @Test(
    "A48: what is listed and removed at once changes nothing: all that came together is weighed once"
  )
  mutating func together() throws {
    let exchange = Exchange([(node, .node), (other, .watch)])
    let until = exchange.now.wall + .seconds(3_600)
    let single = IPNetwork(test: "203.0.113.7")
    _ = exchange.list.read([single], file: "drop", until: until, at: exchange.now.wall)
    let networks = (0..<100).map { IPNetwork(test: "203.0.\($0).0/24") }
    let listings = networks.map { node.next(exchange.listing($0), at: exchange.now.wall) }
    let removals = networks.dropLast().map { node.next(.removal($0), at: exchange.now.wall) }
    let hearing = exchange.hear(listings + removals)
    #expect(hearing.verdicts.count == 199 && hearing.refusal == nil)
    let soon = exchange.now.wall + .seconds(300)
    #expect(hearing.changes == [.list(Listed(IPNetwork(test: "203.0.99.0/24"), until: soon))])
    #expect(exchange.list.count(of: node.key) == 1)
  }

  @Test("What comes before an entry that does not follow counts, and nothing behind it is heard")
  mutating func halfway() throws {
    let exchange = Exchange([(node, .node)])
    let first = node.next(exchange.listing(thief), at: exchange.now.wall)
    let second = node.next(.removal(thief), at: exchange.now.wall)
    let third = node.next(exchange.listing(thief), at: exchange.now.wall)
    let hearing = exchange.hear([first, third, second])
    #expect(hearing.verdicts == [.counts])
    #expect(hearing.refusal == .gap(sequence: 3, last: 1))
    #expect(hearing.changes.count == 1)
    #expect(exchange.list.heard(of: node.key) == 1)
  }

  @Test(
    "A restart takes up each list where it was, with what holds yet and whom we still listen to")
  mutating func restart() throws {
    let exchange = Exchange([(node, .node), (other, .watch)])
    try exchange.hear(&node, thief)
    let brief = IPNetwork(test: "203.0.113.8")
    try exchange.hear(&node, brief, lasting: .seconds(10))
    let old = node
    let reports = exchange.list.all(at: exchange.now.wall)
    exchange.wait(.seconds(20))

    let again = Exchange([(node, .node)])
    again.now = exchange.now
    again.list.resume(node.key, after: old.sequence, old.head)
    let changes = again.list.restore(reports, at: again.now.wall)
    #expect(changes.map(\.network) == [thief])
    #expect(again.isBanned(thief) && !again.isBanned(brief))
    #expect(try again.hear(&node, brief).defect == nil)
    let alone = Exchange([(other, .watch)])
    #expect(alone.list.restore(reports, at: again.now.wall).isEmpty)
  }

  @Test(
    "A person's word ends what others say, until they say it again; a list that is forgotten begins anew"
  )
  mutating func dismissal() throws {
    let exchange = Exchange([(node, .node)])
    try exchange.hear(&node, thief)
    let (gone, changes) = exchange.list.dismiss(
      [IPNetwork(test: "203.0.113.0/24")], at: exchange.now.wall)
    #expect(gone.map(\.network) == [thief] && changes == [.unlist(thief)])
    try exchange.hear(&node, thief)
    #expect(exchange.isBanned(thief))
    #expect(exchange.list.forget(node.key, at: exchange.now.wall) == [.unlist(thief)])
    var restored = Operator(1)
    try exchange.hear(&restored, thief)
    #expect(exchange.isBanned(thief))
  }

  @Test("What a reporter has no more is passed over, forward only")
  mutating func skipping() throws {
    let exchange = Exchange([(node, .node)])
    for _ in 0..<4 { _ = node.next(exchange.listing(thief), at: exchange.now.wall) }
    exchange.list.skip(node.key, to: 4)
    #expect(try exchange.hear(&node, thief).defect == nil)
    exchange.list.skip(node.key, to: 2)
    #expect(exchange.list.heard(of: node.key) == 5)
  }

  @Test("A file is banned by name, replaced by its next edition, and no voice among peers")
  mutating func file() throws {
    let exchange = Exchange([(node, .watch)])
    let wide = IPNetwork(test: "203.0.112.0/20")
    let until = exchange.now.wall + .seconds(3_600)
    #expect(
      exchange.list.read([wide, thief], file: "drop", until: until, at: exchange.now.wall).count
        == 2)
    #expect(exchange.list.imported(besides: "drop") == 0)
    #expect(exchange.list.imported(besides: "other") == 2)
    let changes = exchange.list.read([thief], file: "drop", until: until, at: exchange.now.wall)
    #expect(changes == [.unlist(wide)])
    #expect(exchange.isBanned(thief))
    #expect(
      exchange.list.read([], file: "drop", until: until, at: exchange.now.wall) == [.unlist(thief)])
  }
}
