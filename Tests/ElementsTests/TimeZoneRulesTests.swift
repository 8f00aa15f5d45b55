import Elements
import Foundation
import Testing

@Suite struct TimeZoneRulesTests {
  private static func load(_ name: String) throws -> TimeZoneRules {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: "/usr/share/zoneinfo/\(name)"))
    return try TimeZoneRules(name: name, tzif: Array(bytes))
  }

  private static func wall(
    _ year: Int, _ month: Int, _ day: Int, _ hour: Int = 0, _ minute: Int = 0
  ) -> WallTime {
    WallTime(
      unixSeconds: CivilTime(year: year, month: month, day: day, hour: hour, minute: minute)
        .secondsSinceEpoch)
  }

  private static let names = [
    "Europe/Madrid", "Europe/Warsaw", "Europe/Dublin", "America/New_York", "America/Havana",
    "America/Santiago", "America/Sao_Paulo", "America/Nuuk", "Australia/Lord_Howe", "Asia/Kolkata",
    "Asia/Kathmandu", "Pacific/Apia", "Pacific/Chatham", "Africa/Casablanca", "Asia/Tehran",
    "Africa/Cairo", "Asia/Beirut", "UTC",
  ]

  @Test("Offsets agree with the system's over 130 years", arguments: names)
  func offsets(name: String) throws {
    let rules = try Self.load(name)
    let oracle = try #require(TimeZone(identifier: name))
    var dice = SplitMix(seed: 7)
    // Foundation keeps to the stored transitions; ours must go on by the footer, tested below.
    for _ in 0..<500 {
      let moment = Int64.random(in: -2_208_988_800..<2_114_380_800, using: &dice)
      let date = Date(timeIntervalSince1970: TimeInterval(moment))
      let expected = oracle.secondsFromGMT(for: date)
      // Sub-minute offsets of local mean time are rounded by some oracles.
      let offset = rules.offset(at: moment)
      #expect(offset == expected || abs(offset - expected) < 60, "at \(moment)")
    }
  }

  @Test(
    "The footer goes on where the table ends: daylight saving in 2090",
    arguments: [
      ("Europe/Madrid", 2090, 3, 26, 1), ("Europe/Madrid", 2090, 10, 29, 1),
      ("America/New_York", 2090, 3, 12, 7), ("America/New_York", 2090, 11, 5, 6),
    ])
  func footer(name: String, year: Int, month: Int, day: Int, utcHour: Int) throws {
    let rules = try Self.load(name)
    let change = Self.wall(year, month, day, utcHour).unixSeconds
    #expect(rules.nextTransition(after: change - 10 * 86_400) == change)
    #expect(abs(rules.offset(at: change) - rules.offset(at: change - 1)) == 3600)
  }

  @Test("F26: days and months tile time without gap or overlap", arguments: names)
  func tiling(name: String) throws {
    let rules = try Self.load(name)
    var dice = SplitMix(seed: 11)
    for _ in 0..<100 {
      let time = WallTime(
        unixMilliseconds: Int64.random(in: 0..<4_000_000_000_000, using: &dice))
      for range in [
        rules.hour(containing: time), rules.day(containing: time), rules.month(containing: time),
      ] {
        #expect(range.contains(time), "at \(time.unixMilliseconds)")
      }
      let day = rules.day(containing: time)
      #expect(rules.day(containing: day.upperBound).lowerBound == day.upperBound)
      #expect(rules.day(containing: day.lowerBound) == day)
      let month = rules.month(containing: time)
      #expect(rules.month(containing: month.upperBound).lowerBound == month.upperBound)
      #expect(rules.month(containing: month.lowerBound) == month)
      let hour = rules.hour(containing: time)
      #expect(rules.hour(containing: hour.upperBound).lowerBound == hour.upperBound)
      #expect(hour.upperBound - hour.lowerBound <= .seconds(3600))
    }
  }

  @Test(
    "F26: days of 23, 24 and 25 hours, and of 23.5 at Lord Howe",
    arguments: [
      ("Europe/Madrid", 3, 29, 23 * 60), ("Europe/Madrid", 3, 30, 24 * 60),
      ("Europe/Madrid", 10, 25, 25 * 60), ("Australia/Lord_Howe", 10, 4, 23 * 60 + 30),
      ("Australia/Lord_Howe", 4, 5, 24 * 60 + 30), ("UTC", 3, 29, 24 * 60),
    ])
  func dayLengths(name: String, month: Int, day: Int, minutes: Int) throws {
    let rules = try Self.load(name)
    let noon = CivilTime(year: 2026, month: month, day: day, hour: 12)
    let range = rules.day(containing: rules.moment(of: noon))
    #expect(range.upperBound - range.lowerBound == .seconds(minutes * 60))
    #expect(rules.civil(at: range.lowerBound).day == day)
  }

  @Test(
    "A gap at midnight: the day begins behind it (Havana, Beirut)",
    arguments: [
      ("America/Havana", 2026, 3, 8), ("Asia/Beirut", 2026, 3, 29),
    ])
  func gapAtMidnight(name: String, year: Int, month: Int, day: Int) throws {
    let rules = try Self.load(name)
    let range = rules.day(
      containing: rules.moment(of: CivilTime(year: year, month: month, day: day, hour: 12)))
    #expect(range.upperBound - range.lowerBound == .seconds(23 * 3600))
    let first = rules.civil(at: range.lowerBound)
    #expect(first == CivilTime(year: year, month: month, day: day, hour: 1))
  }

  @Test("A midnight that is read twice: the later one begins the day (Havana)")
  func repeatedMidnight() throws {
    let rules = try Self.load("America/Havana")
    // 2026-11-01 01:00 becomes 00:00 again: that day has two hours from midnight to one.
    let noon = CivilTime(year: 2026, month: 11, day: 1, hour: 12)
    let day = rules.day(containing: rules.moment(of: noon))
    let before = rules.day(containing: WallTime(unixSeconds: day.lowerBound.unixSeconds - 1))
    #expect(rules.civil(at: day.lowerBound).hour == 0)
    #expect(before.upperBound == day.lowerBound)
    #expect(
      (day.upperBound - day.lowerBound) + (before.upperBound - before.lowerBound)
        == .seconds(49 * 3600))
  }

  @Test("A day that a zone leaves out belongs to nobody (Apia, 2011-12-30)")
  func missingDay() throws {
    let rules = try Self.load("Pacific/Apia")
    let last = rules.day(containing: rules.moment(of: CivilTime(year: 2011, month: 12, day: 29)))
    #expect(last.upperBound - last.lowerBound == .seconds(86_400))
    #expect(rules.civil(at: last.upperBound).day == 31)
  }

  @Test(
    "F26: months of 28, 29, 30 and 31 days",
    arguments: [
      (2026, 2, 28), (2028, 2, 29), (2026, 4, 30), (2026, 12, 31), (2100, 2, 28),
    ])
  func months(year: Int, month: Int, days: Int) {
    let range = TimeZoneRules.utc.month(containing: Self.wall(year, month, 17, 5))
    #expect(range.lowerBound == Self.wall(year, month, 1))
    #expect(range.upperBound - range.lowerBound == .seconds(days * 86_400))
  }

  @Test("Repeated and missing hours are distinct hours of UTC")
  func hours() throws {
    let rules = try Self.load("Europe/Madrid")
    // 2026-10-25: 03:00 CEST becomes 02:00 CET at 01:00 UTC.
    let first = rules.hour(containing: Self.wall(2026, 10, 25, 0, 30))
    let second = rules.hour(containing: Self.wall(2026, 10, 25, 1, 30))
    #expect(first.upperBound == second.lowerBound)
    #expect(rules.civil(at: first.lowerBound).hour == 2)
    #expect(rules.civil(at: second.lowerBound).hour == 2)
    // Kathmandu is 5:45 ahead: its hours begin at a quarter past.
    let nepal = try Self.load("Asia/Kathmandu").hour(containing: Self.wall(2026, 1, 1, 0, 20))
    #expect(nepal.lowerBound == Self.wall(2026, 1, 1, 0, 15))
  }

  @Test(
    "Rules at the foot of a file",
    arguments: [
      "CET-1CEST,M3.5.0,M10.5.0/3", "<+03>-3", "EST5EDT,M3.2.0,M11.1.0",
      "IST-1GMT0,M10.5.0,M3.5.0/1", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "AAA3BBB,J60/2,300/3:30:15",
      "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "UTC0",
    ])
  func goodRules(text: String) {
    #expect(PosixZoneRule(text) != nil)
  }

  @Test(
    "What is no rule is refused",
    arguments: [
      "", "CE-1", "CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
      "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J5", "<+03-3", "CET-26",
      "CET-1CEST,M3.5.0,M10.5.0/3x", "CET-1:60",
    ])
  func badRules(text: String) {
    #expect(PosixZoneRule(text) == nil)
  }

  @Test("Cut and damaged files give an error, never a trap")
  func damaged() throws {
    let bytes = [UInt8](
      try Data(contentsOf: URL(fileURLWithPath: "/usr/share/zoneinfo/Europe/Madrid")))
    for length in stride(from: 0, to: bytes.count - 30, by: 61) {
      #expect(throws: TimeZoneError.self) {
        try TimeZoneRules(name: "x", tzif: Array(bytes[..<length]))
      }
    }
    var dice = SplitMix(seed: 3)
    for _ in 0..<80 {
      var damaged = bytes
      for _ in 0..<8 {
        damaged[Int.random(in: 0..<bytes.count, using: &dice)] = UInt8.random(
          in: 0...255, using: &dice)
      }
      let rules = try? TimeZoneRules(name: "x", tzif: damaged)
      _ = rules?.day(containing: Self.wall(2026, 3, 29))
    }
  }
}
