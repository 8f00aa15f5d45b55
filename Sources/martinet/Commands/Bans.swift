import API
import ArgumentParser

struct Bans: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Who is banned, and why: show, explain, add, lift, and share with others.",
    subcommands: [
      Show.self, Explain.self, Add.self, Lift.self, Import.self, Export.self, Peers.self,
      Identity.self, Forget.self,
    ], defaultSubcommand: Show.self)

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "What is in force.")

    @Flag(help: "Also what files list, each network a line.")
    var all = false

    @OptionGroup var options: LookingOptions

    func run() throws {
      guard case .bans(let own) = try options.ask(.bans),
        case .listings(let listings) = try options.ask(.listings)
      else { return }
      let heard = listings.filter { $0.banned && (all || !$0.isFile) }.map(Bans.row)
      try options.show(own + heard, none: "Nobody is banned.", columns: Bans.columns)
      guard !options.json, !all else { return }
      let files = Dictionary(grouping: listings.filter(\.isFile), by: \.by)
      for (name, rows) in files.sorted(by: { $0.key < $1.key }) {
        print("\(rows.count) networks are banned by the list \(name), until \(rows[0].until).")
      }
    }
  }

  struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Why an address is treated as it is.")

    @Argument(help: "An address: 203.0.113.7, 2001:db8::1.")
    var address: String

    @OptionGroup var options: LookingOptions

    func run() throws {
      guard case .banExplained(let why) = try options.ask(.explainBan(address: address)) else {
        return
      }
      if options.json { return try JSONLine.print(why) }
      print(Bans.sentence(why))
      if !why.bans.isEmpty { print(TextTable(rows: why.bans, columns: Bans.columns)) }
      if !why.reports.isEmpty { print(TextTable(rows: why.reports, columns: Bans.reportColumns)) }
    }
  }

  struct Add: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Bans an address or a network.")

    @Argument(help: "An address or a network: 203.0.113.7, 203.0.113.0/24, 2001:db8::/64.")
    var network: String

    @Option(
      name: .customLong("for"), help: "How long: 90s, 10m, 12h, 7d; without it until it is lifted.")
    var time: String?

    @Option(help: "Why, for the list and the audit trail.")
    var reason = "banned by the operator"

    @OptionGroup var options: LookingOptions

    func validate() throws {
      if let time, Bans.seconds(time) == nil {
        throw ValidationError("--for: \"\(time)\" is no time. Write 90s, 10m, 12h or 7d.")
      }
    }

    func run() throws {
      try options.order(
        .ban(
          network: network, seconds: time.flatMap(Bans.seconds), reason: reason, by: Person.name))
    }
  }

  struct Lift: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lifts every ban that a network is in or has within it.")

    @Argument(help: "An address or a network.")
    var network: String

    @OptionGroup var options: LookingOptions

    func run() throws { try options.order(.liftBan(network: network, by: Person.name)) }
  }

  private static var columns: [(String, (BanReport) -> String)] {
    [
      ("NETWORK", { $0.network }), ("USER", { $0.user ?? "all" }), ("WHY", { $0.why }),
      ("SINCE", { $0.since }), ("UNTIL", { $0.until ?? "lifted" }), ("RUNG", { "\($0.rung)" }),
      ("BY", { $0.by ?? "" }),
    ]
  }

  private static var reportColumns: [(String, (ListingReport) -> String)] {
    [
      ("NETWORK", { $0.network }), ("LISTED BY", { $0.by }), ("WHY", { $0.why }),
      ("HEARD", { $0.since }), ("UNTIL", { $0.until }),
      ("EFFECT", { $0.banned ? "banned" : "watched" }),
      ("ENTRY", { $0.sequence.map(String.init) ?? "" }), ("EVIDENCE", { $0.evidence ?? "" }),
    ]
  }

  /// What others say that bans, as a ban.
  private static func row(_ listing: ListingReport) -> BanReport {
    var row = BanReport(
      network: listing.network, user: nil, why: listing.why, since: listing.since,
      until: listing.until, rung: 0)
    row.by = listing.by
    return row
  }

  private static func sentence(_ why: BanExplanationReport) -> String {
    if why.spared {
      return "\(why.address) is never banned: it is a carrier's, or in platform.never_ban."
    }
    let isBanned = why.listed || why.bans.contains { $0.user == nil }
    switch (isBanned, why.phones) {
    case (false, false): return "\(why.address) is not banned, and no phone is known there."
    case (false, true): return "\(why.address) is not banned; phones are known there."
    case (true, false): return "\(why.address) is banned: nothing from there is read."
    case (true, true):
      return
        "\(why.address) is banned, but phones are known there: unless it was by order they go on, and who is new is slowed."
    }
  }

  /// "90s", "10m", "12h" or "7d" in seconds, up to ten years.
  static func seconds(_ text: String) -> Int64? {
    let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
    guard let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()),
      count > 0, count <= 315_360_000 / unit
    else { return nil }
    return count * unit
  }
}
