import API
import ArgumentParser
import Elements
import Foundation
import Guard
import Numbering
import Simulator

extension Limits {
  /// Records of calls through the habits, before somebody has them stop anything.
  struct Replay: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "What habits would have stopped, of calls that were recorded.",
      discussion: """
        Reads what `martinet records --json` prints, of this server or of another one; nothing is changed and no \
        server is needed. The first four weeks of a tenant only teach. Whoever is stopped counts as honest and \
        goes on, so each line is a stop that somebody would have had to lift.
        """)

    @Argument(help: "File with one record a line; - is standard input.") var file: String
    @Option(help: "Zone of the tenants, such as Europe/Madrid.") var timezone = "UTC"
    @Option(help: "What an extension may spend a day, as its limits say.") var day = "10"
    @Flag(help: "One JSON object per line instead of a table.") var json = false

    func validate() throws {
      if TimeZone(identifier: timezone) == nil {
        throw ValidationError("There is no zone \(timezone).")
      }
      guard let amount = DecimalAmount(day), amount.micros > 0 else {
        throw ValidationError("--day takes an amount of money, such as 12.50.")
      }
    }

    func run() throws {
      var reading = RecordReading(zone: TimeZone(identifier: timezone) ?? .gmt)
      let decoder = JSONDecoder()
      for (number, line) in try read().split(separator: UInt8(ascii: "\n")).enumerated() {
        do {
          try reading.add(try decoder.decode(RecordReport.self, from: Data(line)))
        } catch {
          throw CommandFailure(
            "Line \(number + 1) of \(file) is no record: give what `martinet records --json` prints."
          )
        }
      }
      var replay = HabitReplay(limitPerDay: DecimalAmount(day)?.micros)
      replay.run(reading.calls)
      let rows = replay.stops.map { ReplayedStop($0, reading) }
      if json {
        for row in rows { try JSONLine.print(row) }
        return
      }
      print("\(reading.calls.count) paid calls of \(reading.accountCount) extensions.")
      guard !rows.isEmpty else { return print("Habits would have stopped nobody.") }
      print(
        TextTable(
          rows: rows,
          columns: [
            ("WHEN", { $0.at }), ("TENANT", { $0.tenant }), ("EXTENSION", { $0.extension }),
            ("COUNTRY", { $0.country }), ("CALLS", { "\($0.calls)" }),
            ("COUNTED", { $0.counted }), ("TOLERATED", { $0.tolerated }),
            ("ODD", { $0.odd.joined(separator: ", ") }),
          ]))
    }

    private func read() throws -> Data {
      if file == "-" { return FileHandle.standardInput.readDataToEndOfFile() }
      guard let data = FileManager.default.contents(atPath: file) else {
        throw CommandFailure("\(file): the file cannot be read. Check the path and its rights.")
      }
      return data
    }
  }
}

/// One stop of a replay.
struct ReplayedStop: Encodable {
  let at: String
  let tenant: String
  let `extension`: String
  let country: String
  let calls: Int
  let counted: String
  let tolerated: String
  let odd: [String]

  init(_ stop: HabitReplay.Stop, _ reading: RecordReading) {
    at = Date(timeIntervalSince1970: Double(stop.departure.at.unixSeconds)).ISO8601Format()
    let name = reading.name(of: stop.call.account)
    (tenant, self.extension) = (name.tenant, name.extension)
    country = Region(code: stop.call.destination.country).description
    calls = stop.departure.calls
    func money(_ micros: Int64) -> String {
      String(format: "%.2f", Double(micros) / 1_000_000)
    }
    counted = money(stop.departure.counted)
    tolerated = money(stop.departure.tolerated)
    odd = stop.departure.kind == .spend ? ["more than ever"] : stop.departure.oddity.words
  }
}

/// Records on their way into habits: names become numbers, and what a minute costs is what it cost.
struct RecordReading {
  let zone: TimeZone
  private(set) var calls: [HabitReplay.Call] = []
  private var tenants: [String: TenantID] = [:]
  private var accounts: [Name: AccountID] = [:]
  private var names: [AccountID: Name] = [:]
  /// The last price of a minute to each destination, for calls that nobody answered.
  private var prices: [PaidCall.Destination: Int64] = [:]

  struct Name: Hashable {
    let tenant: String
    let `extension`: String
  }

  init(zone: TimeZone) { self.zone = zone }

  var accountCount: Int { accounts.count }

  func name(of account: AccountID) -> Name {
    names[account] ?? Name(tenant: "", extension: "")
  }

  /// A record that no call can have left.
  struct Implausible: Error {}

  /// A year; no call lasts longer.
  private static let longestTalk: ClosedRange<Double> = 0...31_536_000
  /// Ten million units; no call costs more.
  private static let highestCost: ClosedRange<Int64> = 0...10_000_000_000_000

  /// Takes a record; those of calls that cost nobody anything say nothing.
  mutating func add(_ record: RecordReport) throws(Implausible) {
    guard let payer = record.payer, let start = Self.date(record.startedAt)
    else { return }
    let name = Name(tenant: record.tenant ?? "", extension: payer)
    let tenant = tenants[name.tenant] ?? TenantID(UInt64(tenants.count + 1))
    let account = accounts[name] ?? AccountID(UInt64(accounts.count + 1))
    (tenants[name.tenant], accounts[name], names[account]) = (tenant, account, name)
    let destination = PaidCall.Destination(
      country: record.country.flatMap { Region($0)?.code } ?? 0,
      isSpecial: DestinationClass.allCases.first { $0.name == record.destinationClass }?.isDear
        ?? false)
    let cost = max(Self.micros(record.sell), Self.micros(record.purchase))
    guard Self.longestTalk.contains(record.talkSeconds), Self.highestCost.contains(cost) else {
      throw Implausible()
    }
    let milliseconds = Int64(record.talkSeconds * 1000)
    // Of a very short call the fee would be its price.
    if milliseconds >= 10_000 { prices[destination] = cost * 60 / max(1, milliseconds / 1000) }
    let price = prices[destination] ?? cost
    calls.append(
      HabitReplay.Call(
        PaidCall(
          account: account, tenant: tenant,
          at: WallTime(unixSeconds: Int64(start.timeIntervalSince1970)),
          zoneOffset: Int32(zone.secondsFromGMT(for: start)), destination: destination,
          origin: Self.origin(of: record, payer), pricePerMinute: price, worth: 2 * price),
        talk: .milliseconds(milliseconds), cost: cost))
  }

  private static func date(_ text: String) -> Date? {
    (try? Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(text))
      ?? (try? Date.ISO8601FormatStyle().parse(text))
  }

  /// "2.50 EUR".
  private static func micros(_ text: String?) -> Int64 {
    text?.split(separator: " ").first.flatMap { DecimalAmount($0)?.micros } ?? 0
  }

  private static func origin(of record: RecordReport, _ payer: String) -> PaidCall.Origin {
    guard let caller = record.legs.first(where: { $0.side == "caller" }) else { return .unknown }
    guard caller.extension == payer else { return .forward }
    guard let address = caller.address.flatMap({ IPAddress($0) ?? IPAddress(Self.host(of: $0)) })
    else { return .unknown }
    return .network(IPNetwork(address, length: address.isV4 ? 24 : 48).address)
  }

  /// The address without its port.
  private static func host(of text: String) -> String {
    text.lastIndex(of: ":").map { String(text[..<$0]) } ?? text
  }
}
