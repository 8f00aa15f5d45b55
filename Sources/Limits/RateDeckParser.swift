package import Elements

/// Reads a rate deck from CSV bytes; the header line names the columns, in any order.
///
/// Needed: `prefix`, `price_per_minute`. Taken: `destination`, `connection_fee`, `minimum_s`,
/// `increment_s`, `free_s`, `rounding`, `currency`, `valid_from`, `valid_until`, `days`, `from_time`,
/// `to_time`. A deck with a mistake is refused as a whole, and every mistake is named.
package struct RateDeckParser: Sendable {
  package static let mostErrors = 50
  /// Columns of a header line: a file with more is no rate deck, and naming each of them would help nobody.
  package static let mostColumns = 100
  package static let mostRows = 2_000_000
  /// Rows of one prefix: all of them are looked at for each call to it.
  package static let mostRowsOfPrefix = 100

  /// Currency of rows that name none.
  package let currency: Currency
  /// Where dates and hours of the deck are read.
  package let zone: TimeZoneRules
  /// Whether the deck was taken before, perhaps by rules that were milder.
  package let isInForce: Bool

  package init(
    currency: Currency = .eur, zone: TimeZoneRules = .utc, isInForce: Bool = false
  ) {
    (self.currency, self.zone, self.isInForce) = (currency, zone, isInForce)
  }

  package func parse(_ bytes: [UInt8]) throws(RateDeckErrors) -> RateDeck {
    var reading = RateDeckReading(bytes, self)
    reading.run()
    guard reading.errors.isEmpty else {
      throw RateDeckErrors(errors: reading.errors, total: reading.errorCount)
    }
    return RateDeck(groups: reading.groups, names: reading.names, zone: zone)
  }
}

/// The columns of a rate deck.
enum RateColumn: Int, CaseIterable {
  case prefix, destination, connectionFee, pricePerMinute, minimum, increment, free, rounding
  case currency, validFrom, validUntil, days, fromTime, toTime

  static let names = [
    "prefix", "destination", "connection_fee", "price_per_minute", "minimum_s", "increment_s",
    "free_s", "rounding", "currency", "valid_from", "valid_until", "days", "from_time", "to_time",
  ]

  /// As the header line has it.
  var name: String { Self.names[rawValue] }
}

/// One reading of a rate deck: the rows so far and what is wrong with them.
struct RateDeckReading {
  private(set) var errors: [RateDeckError] = []
  private(set) var errorCount = 0
  private(set) var names: [String] = []
  private var reader: CSVReader
  private let parser: RateDeckParser
  private var columnCount = 0
  /// Field number of each column, -1 where the deck has none.
  private var places = [Int](repeating: -1, count: RateColumn.allCases.count)
  private var namePlaces: [String: Int32] = [:]
  private var rows: [(prefix: [UInt8], row: RateRow)] = []

  init(_ bytes: [UInt8], _ parser: RateDeckParser) {
    reader = CSVReader(bytes)
    self.parser = parser
  }

  mutating func run() {
    var fields: [CSVField] = []
    do throws(RateDeckError) {
      guard try reader.next(&fields) else {
        throw RateDeckError(
          line: 1, field: "header",
          reason: "is missing; the first line must name the columns, like prefix,price_per_minute")
      }
      readHeader(fields)
      guard errors.isEmpty else { return }
      while try reader.next(&fields) {
        guard rows.count < RateDeckParser.mostRows else {
          throw RateDeckError(
            line: reader.line, field: "row",
            reason: "is beyond the \(RateDeckParser.mostRows) rows that a deck may have; split it")
        }
        do throws(RateDeckError) {
          rows.append(try readRow(fields))
        } catch {
          note(error)
        }
      }
    } catch {
      note(error)
    }
    noteTwins()
    if !parser.isInForce { noteGaps() }
  }

  /// Rows by prefix, in the order of prefixes.
  var groups: [(prefix: [UInt8], rows: [RateRow])] {
    var groups: [(prefix: [UInt8], rows: [RateRow])] = []
    for (prefix, row) in rows {
      if let last = groups.last, last.prefix == prefix {
        groups[groups.count - 1].rows.append(row)
      } else {
        groups.append((prefix, [row]))
      }
    }
    return groups
  }

  private mutating func note(_ error: RateDeckError) {
    errorCount += 1
    if errors.count < RateDeckParser.mostErrors { errors.append(error) }
  }

  // MARK: Header

  private mutating func readHeader(_ fields: [CSVField]) {
    columnCount = fields.count
    guard columnCount <= RateDeckParser.mostColumns else {
      note(
        RateDeckError(
          line: reader.line, field: "header",
          reason: "names \(columnCount) columns, a deck has \(RateDeckParser.mostColumns) at most; "
            + "take out those that are not used"))
      return
    }
    for (index, field) in fields.enumerated() {
      let name = reader.text(field).lowercased()
        .split { $0 == " " || $0 == "-" }.joined(separator: "_")
      guard let place = RateColumn.names.firstIndex(of: name) else {
        let known = RateColumn.names.joined(separator: ", ")
        note(
          RateDeckError(
            line: reader.line, field: "header",
            reason: "names the column \"\(name)\", which is not known; there are \(known)"))
        continue
      }
      if places[place] >= 0 {
        note(
          RateDeckError(
            line: reader.line, field: "header", reason: "names \(name) twice; take one out"))
      }
      places[place] = index
    }
    for column in [RateColumn.prefix, .pricePerMinute] where places[column.rawValue] < 0 {
      note(
        RateDeckError(
          line: reader.line, field: "header",
          reason: "has no column \(column.name); add it to the first line"))
    }
  }

  // MARK: Rows

  private mutating func readRow(
    _ fields: [CSVField]
  ) throws(RateDeckError) -> (prefix: [UInt8], row: RateRow) {
    // "34,0,05" is no free destination: a decimal comma, or a comma in a name, has moved the fields.
    if let extra = fields.dropFirst(columnCount).first(where: { !reader.text($0).isEmpty }) {
      throw RateDeckError(
        line: reader.line, field: "row",
        reason: "has \(fields.count) fields for \(columnCount) columns, \"\(reader.text(extra))\" "
          + "is too much; quote what has a comma in it, and write decimals with a point")
    }
    let row = RateRowFields(reader: reader, fields: fields, places: places)
    let prefix = try row.prefix()
    let tariff = try row.tariff(default: parser.currency)
    if !parser.isInForce { try row.checkRounding(of: tariff) }
    let schedule = try row.schedule(in: parser.zone)
    let name = row.text(.destination) ?? ""
    let place = namePlaces[name] ?? Int32(names.count)
    if Int(place) == names.count {
      names.append(name)
      namePlaces[name] = place
    }
    let line = Int32(clamping: reader.line)
    return (prefix, RateRow(tariff: tariff, destination: place, schedule: schedule, line: line))
  }

  /// Sorts by prefix and finds rows that say two things of the same hours.
  private mutating func noteTwins() {
    rows.sort { left, right in
      left.prefix == right.prefix
        ? left.row.line < right.row.line : left.prefix.lexicographicallyPrecedes(right.prefix)
    }
    var twins: [RateDeckError] = []
    var start = 0
    var lines: [RateSchedule: Int32] = [:]
    for index in rows.indices {
      if rows[start].prefix != rows[index].prefix {
        start = index
        lines = [:]
      }
      let row = rows[index].row
      if let earlier = lines[row.schedule] {
        twins.append(error(in: index, "has a price in line \(earlier) already; keep one"))
      } else {
        lines[row.schedule] = row.line
      }
      if index - start == RateDeckParser.mostRowsOfPrefix, !parser.isInForce {
        twins.append(
          error(in: index, "has more than \(RateDeckParser.mostRowsOfPrefix) rows; take some out"))
      }
    }
    for twin in twins.sorted(by: { $0.line < $1.line }) { note(twin) }
  }

  /// Something wrong with the prefix of a row.
  private func error(in index: Int, _ reason: String) -> RateDeckError {
    let digits = String(decoding: rows[index].prefix.map { $0 + 48 }, as: UTF8.self)
    return RateDeckError(
      line: Int(rows[index].row.line), field: "prefix", reason: "\(digits) \(reason)")
  }

  /// Finds prefixes with hours that no row prices: a call that runs into them would be charged by a price that
  /// nobody has given.
  private mutating func noteGaps() {
    var gaps: [RateDeckError] = []
    for (prefix, rows) in groups
    where rows.count <= RateDeckParser.mostRowsOfPrefix
      && rows.contains(where: { !$0.schedule.isAllWeek })
    {
      let dates = Set(rows.flatMap { [$0.schedule.validFrom, $0.schedule.validUntil] }).sorted()
      // Bounded by the dates of one prefix; the first gap of a prefix is enough.
      for date in dates {
        let valid = rows.filter { $0.schedule.isValid(at: date) }
        guard let last = valid.last, let gap = RateSchedule.gap(in: valid.map(\.schedule)) else {
          continue
        }
        gaps.append(Self.gap(gap, prefix: prefix, line: Int(last.line)))
        break
      }
    }
    for gap in gaps.sorted(by: { $0.line < $1.line }) { note(gap) }
  }

  private static func gap(
    _ gap: (weekday: Int, minute: Int), prefix: [UInt8], line: Int
  ) -> RateDeckError {
    let digits = String(decoding: prefix.map { $0 + 48 }, as: UTF8.self)
    let days = [
      "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
    ]
    let (hour, minute) = (gap.minute / 60, gap.minute % 60)
    let clock = "\(hour < 10 ? "0" : "")\(hour):\(minute < 10 ? "0" : "")\(minute)"
    return RateDeckError(
      line: line, field: "from_time",
      reason:
        "\(digits) has no price on \(days[gap.weekday]) from \(clock) on; add a row for those hours"
    )
  }
}
