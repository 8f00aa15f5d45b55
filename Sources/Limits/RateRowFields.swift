import Elements

/// The fields of one line of a rate deck, read one by one.
struct RateRowFields {
  let reader: CSVReader
  let fields: [CSVField]
  let places: [Int]

  /// Nil where the deck has no such column or the field is empty.
  private func field(_ column: RateColumn) -> CSVField? {
    let place = places[column.rawValue]
    guard place >= 0, place < fields.count else { return nil }
    let field = reader.trimmed(fields[place])
    return field.lower < field.upper ? field : nil
  }

  func text(_ column: RateColumn) -> String? { field(column).map(reader.text) }

  private func wrong(_ column: RateColumn, _ reason: String) -> RateDeckError {
    let text = text(column).map { "\"\($0)\" " } ?? ""
    return RateDeckError(line: reader.line, field: column.name, reason: text + reason)
  }

  // MARK: Prefix and price

  /// Digits as values 0 to 9.
  func prefix() throws(RateDeckError) -> [UInt8] {
    guard let field = field(.prefix) else {
      throw wrong(.prefix, "is empty; it must be the digits that numbers begin with, like 34")
    }
    var bytes = reader.bytes(field)
    if bytes.first == UInt8(ascii: "+") { bytes = bytes.dropFirst() }
    guard (1...15).contains(bytes.count), bytes.allSatisfy({ (48...57).contains($0) }) else {
      throw wrong(.prefix, "must be 1 to 15 digits of a number with its country code, like 34")
    }
    guard bytes.first != 48 else {
      throw wrong(.prefix, "begins with 0; write the country code without 00 before it")
    }
    return bytes.map { $0 - 48 }
  }

  func tariff(default currency: Currency) throws(RateDeckError) -> Tariff {
    var code = currency
    if let text = text(.currency) {
      guard let named = Currency(text.uppercased()) else {
        throw wrong(.currency, "must be three letters, like EUR")
      }
      code = named
    }
    guard let price = try amount(.pricePerMinute) else {
      throw wrong(.pricePerMinute, "is empty; write 0 for a destination that costs nothing")
    }
    let (fee, rounding) = (try amount(.connectionFee), try amount(.rounding))
    let (minimum, increment) = (try seconds(.minimum), try seconds(.increment))
    let free = try seconds(.free)
    do throws(TariffError) {
      return try Tariff(
        currency: code, connectionFee: fee ?? 0, pricePerMinute: price,
        minimumSeconds: minimum ?? 0, incrementSeconds: increment ?? 1, freeSeconds: free ?? 0,
        roundingMicros: rounding ?? 1)
    } catch {
      throw RateDeckError(line: reader.line, field: error.field, reason: error.reason)
    }
  }

  /// Refuses a number of decimals where an amount belongs: "2" would round each call up to two units.
  func checkRounding(of tariff: Tariff) throws(RateDeckError) {
    let micros = tariff.roundingMicros
    guard micros >= 1_000_000 else { return }
    let isWhole = tariff.currency.isWithoutDecimals
    let coins: Set<Int64> = [1, 5, 10, 50, 100]
    if isWhole, micros % 1_000_000 == 0, coins.contains(micros / 1_000_000) { return }
    throw wrong(
      .rounding,
      "would round each call up to a multiple of that amount, and is no number of decimals; "
        + (isWhole ? "write 1 for whole \(tariff.currency)" : "write 0.01 for two decimals"))
  }

  /// Micro-units; a comma is a decimal point where it does not separate fields.
  private func amount(_ column: RateColumn) throws(RateDeckError) -> Int64? {
    guard let field = field(column) else { return nil }
    var value: Int64 = 0
    var decimals = -1
    guard reader.bytes(field).contains(where: { (48...57).contains($0) }) else {
      throw wrong(column, "must be a number like 0.0475")
    }
    for byte in reader.bytes(field) {
      if decimals < 0, byte == UInt8(ascii: ".") || isDecimalComma(byte) {
        decimals = 0
        continue
      }
      let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
      let (sum, isStillTooLarge) = product.addingReportingOverflow(Int64(byte) - 48)
      if byte == UInt8(ascii: "-"), value == 0 { throw wrong(column, "may not be negative") }
      guard (48...57).contains(byte), !isTooLarge, !isStillTooLarge else {
        throw wrong(column, "must be a number like 0.0475")
      }
      value = sum
      if decimals >= 0 { decimals += 1 }
      guard decimals <= 6 else {
        throw wrong(column, "has more than six decimals; round it up to six")
      }
    }
    for _ in max(0, decimals)..<6 {
      let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
      guard !isTooLarge else { throw wrong(column, "is above 1000000, which no call costs") }
      value = product
    }
    return value
  }

  private func isDecimalComma(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: ",") && reader.separator != byte
  }

  private func seconds(_ column: RateColumn) throws(RateDeckError) -> Int? {
    guard let field = field(column) else { return nil }
    let bytes = reader.bytes(field)
    guard bytes.count <= 6, bytes.allSatisfy({ (48...57).contains($0) }) else {
      throw wrong(column, "must be whole seconds, like 60")
    }
    return bytes.reduce(0) { $0 * 10 + Int($1 - 48) }
  }

  // MARK: Schedule

  func schedule(in zone: TimeZoneRules) throws(RateDeckError) -> RateSchedule {
    var schedule = RateSchedule()
    if let text = text(.validFrom) {
      schedule.validFrom = zone.moment(of: try date(text, .validFrom).civil)
    }
    if let text = text(.validUntil) {
      var (civil, isDay) = try date(text, .validUntil)
      if isDay { civil.day += 1 }  // "Until the 31st" includes the 31st.
      schedule.validUntil = zone.moment(of: civil)
      guard schedule.validFrom < schedule.validUntil else {
        throw wrong(.validUntil, "is not behind valid_from; swap or mend them")
      }
    }
    if let text = text(.days) { schedule.days = try days(text) }
    if let text = text(.fromTime) { schedule.fromMinute = try minute(text, .fromTime) }
    if let text = text(.toTime) { schedule.toMinute = try minute(text, .toTime) }
    if schedule.fromMinute == schedule.toMinute {
      throw wrong(.toTime, "is the same as from_time; leave both empty for the whole day")
    }
    return schedule
  }

  /// "2026-03-31" or "2026-03-31 18:30"; a T may stand for the blank.
  private func date(
    _ text: String, _ column: RateColumn
  ) throws(RateDeckError) -> (civil: CivilTime, isDay: Bool) {
    let parts = text.split { $0 == " " || $0 == "T" }
    let numbers = (parts.first ?? "").split(separator: "-").map { Int($0) ?? -1 }
    guard (1...2).contains(parts.count), numbers.count == 3, (1970...9999).contains(numbers[0])
    else { throw wrong(column, "must be a date like 2026-03-31 or 2026-03-31 18:30") }
    var civil = CivilTime(year: numbers[0], month: numbers[1], day: numbers[2])
    guard (1...12).contains(civil.month), (1...31).contains(civil.day),
      CivilTime(secondsSinceEpoch: civil.secondsSinceEpoch).day == civil.day
    else { throw wrong(column, "is not a day of the calendar") }
    guard parts.count == 2 else { return (civil, true) }
    let minute = Int(try minute(String(parts[1]), column))
    (civil.hour, civil.minute) = (minute / 60, minute % 60)
    return (civil, false)
  }

  /// "08:00" as minutes after midnight; "24:00" is the end of the day.
  private func minute(_ text: String, _ column: RateColumn) throws(RateDeckError) -> Int16 {
    let parts = text.split(separator: ":").map { Int($0) ?? -1 }
    guard parts.count == 2, (0...24).contains(parts[0]), (0...59).contains(parts[1]),
      parts[0] < 24 || parts[1] == 0
    else { throw wrong(column, "must be a time of day from 00:00 to 24:00") }
    return Int16(parts[0] * 60 + parts[1])
  }

  /// "mon-fri", "sat sun": bit 0 is Sunday.
  private func days(_ text: String) throws(RateDeckError) -> UInt8 {
    let names = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
    var days: UInt8 = 0
    for part in text.lowercased().split(whereSeparator: { " ,;+/".contains($0) }) {
      let ends = part.split(separator: "-").map { end in
        names.firstIndex { end.hasPrefix($0) }
      }
      guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1]
      else { throw wrong(.days, "must name days like mon-fri or sat sun") }
      for step in 0...(last - first + 7) % 7 { days |= 1 << UInt8((first + step) % 7) }
    }
    return days
  }
}
