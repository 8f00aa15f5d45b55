import ConfigurationFiles
import API
import Directory
import Elements
import Foundation
import Server
import Store
import Switch
import Testing

@Suite struct LimitEditTests {
  @Test("A command is about exactly one subject; else it says which options there are")
  func target() throws {
    func named(
      _ tenant: String? = nil, _ number: String? = nil, trunk: String? = nil, platform: Bool = false
    ) throws(LimitTarget.Unclear) -> LimitTarget {
      try LimitTarget(tenant: tenant, extension: number, trunk: trunk, isPlatform: platform)
    }
    #expect(try named("office") == .tenant("office"))
    #expect(try named("office", "101") == .account(tenant: "office", extension: "101"))
    #expect(try named(trunk: "main") == .trunk("main"))
    #expect(try named(platform: true) == .platform)
    #expect(throws: LimitTarget.Unclear.nobody) { try named() }
    #expect(throws: LimitTarget.Unclear.extensionAlone) { try named(nil, "101") }
    #expect(throws: LimitTarget.Unclear.extensionAlone) { try named(nil, "101", platform: true) }
    #expect(throws: LimitTarget.Unclear.several) { try named("office", trunk: "main") }
    #expect(throws: LimitTarget.Unclear.several) { try named("office", "101", platform: true) }
    #expect(throws: LimitTarget.Unclear.several) { try named(trunk: "main", platform: true) }
    for unclear in [LimitTarget.Unclear.nobody, .several] {
      for option in ["--tenant NAME", "--extension NUMBER", "--trunk NAME", "--platform"] {
        #expect("\(unclear)".contains(option))
      }
    }
  }

  @Test("Of changes at the same moment none is lost")
  func atOnce() async throws {
    let folder = try ServedFolder()
    let numbers = ["101", "102"]
    for round in 1...10 {
      try await withThrowingTaskGroup { group in
        for number in numbers {
          group.addTask {
            _ = try folder.administration.setLimits(
              of: .account(tenant: "office", extension: number),
              change: LimitChange([.concurrent: "\(100 + round)"]), by: "anna")
          }
        }
        try await group.waitForAll()
      }
      let yaml = try folder.administration.export(withRates: false).document
      #expect(
        yaml.components(separatedBy: "concurrent: \(100 + round)").count == numbers.count + 1,
        "\(yaml)")
    }
  }

  @Test("What is changed of a subject is changed of nobody else, and is in the configuration")
  func change() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "limits-\(UUID())")
    defer { try? FileManager.default.removeItem(at: folder) }
    let administration = try Administration(dataFolder: folder.path)
    defer { administration.database.close() }
    let rates = rateFiles(in: examplesFolder)
    let files = ["retail.csv", "wholesale.csv"].map { name in
      (name, String(decoding: rates(name) ?? [], as: UTF8.self))
    }
    _ = try administration.apply(
      document: officeYAML, file: "office.yaml", files: Dictionary(uniqueKeysWithValues: files),
      attendance: .known([]), by: "anna")
    func concurrent() throws -> [Int64?] {
      let document = try #require(try administration.database.configuration()).document
      let tenant = try #require(document.tenants.first)
      return [
        document.platform.limits.concurrent, document.trunks.first?.limits.concurrent,
        tenant.limits.concurrent, tenant.extensions.first?.limits?.concurrent,
      ]
    }
    var expected = try concurrent()
    let targets: [(LimitTarget, String)] = [
      (.platform, "the platform"), (.trunk("carrier"), "trunk carrier"),
      (.tenant("office"), "tenant office"),
      (.account(tenant: "office", extension: "101"), "extension 101 of office"),
    ]
    for (place, (target, name)) in targets.enumerated() {
      let change = LimitChange([.concurrent: "\(70 + place)"])
      let text = try administration.setLimits(of: target, change: change, by: "anna")
      #expect(text == "The limits of \(name) are changed: concurrent \(70 + place).")
      expected[place] = Int64(70 + place)
      #expect(try concurrent() == expected)
    }
    let wrong = #expect(throws: ConfigurationError.self) {
      try administration.setLimits(of: .trunk("carier"), change: LimitChange(), by: "anna")
    }
    #expect(wrong?.description == "trunk: there is no trunk \"carier\". Known are carrier.")
  }

  /// An installation with one extension whose tenant has limits for all of its own, and a trunk.
  private func office(_ body: (Administration) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "limits-\(UUID())")
    defer { try? FileManager.default.removeItem(at: folder) }
    let administration = try Administration(dataFolder: folder.path)
    defer { administration.database.close() }
    _ = try administration.apply(
      document: """
        version: 1
        tenants:
          - name: office
            domain: office.example
            country: ES
            extension_limits: { concurrent: 4, spend: { call: 3 } }
            extensions: [{ number: "101" }]
        trunks: [{ name: carrier, address: "sip:192.0.2.1" }]
        """, file: "office.yaml", files: [:], attendance: .known([]), by: "anna")
    try body(administration)
  }

  private let line = LimitTarget.account(tenant: "office", extension: "101")

  @Test("Whatever the configuration file says of limits, the command says: both give the same")
  func everything() throws {
    let values: [LimitOption: String] = [
      .hour: "5", .day: "20.50", .month: "none", .call: "0.75", .internationalHour: "1",
      .internationalDay: "none", .internationalMonth: "3", .attemptsPerHour: "60",
      .concurrent: "none", .pricePerMinute: "0.5", .connectionFee: "none", .prepaid: "true",
      .basis: "purchase", .release: "hour,day", .habits: "tell",
    ]
    #expect(Set(values.keys) == Set(LimitOption.allCases))
    let yaml = """
      { spend: { hour: 5, day: 20.50, month: none, call: 0.75 },
        international: { hour: 1, day: none, month: 3 }, attempts_per_hour: 60, concurrent: none,
        price_per_minute: 0.5, connection_fee: none, prepaid: true, basis: purchase,
        release: [hour, day], habits: tell }
      """
    let unpaid = yaml.replacing(" prepaid: true,", with: "")
    func limits(_ administration: Administration) throws -> [LimitEntry?] {
      let document = try #require(try administration.database.configuration()).document
      let tenant = try #require(document.tenants.first)
      return [
        tenant.extensions.first?.limits, tenant.limits, document.trunks.first?.limits,
        document.platform.limits,
      ]
    }
    var (written, commanded): ([LimitEntry?], [LimitEntry?]) = ([], [])
    try office { administration in
      for target in [line, .tenant("office"), .trunk("carrier"), .platform] {
        var change = LimitChange(values)
        if case .trunk = target { change.values[.habits] = nil }
        if target != line, target != .tenant("office") { change.values[.prepaid] = nil }
        _ = try administration.setLimits(of: target, change: change, by: "anna")
      }
      commanded = try limits(administration)
    }
    try office { administration in
      _ = try administration.apply(
        document: """
          version: 1
          tenants:
            - name: office
              domain: office.example
              country: ES
              limits: \(yaml)
              extension_limits: { concurrent: 4, spend: { call: 3 } }
              extensions: [{ number: "101", limits: \(yaml) }]
          trunks: [{ name: carrier, address: "sip:192.0.2.1", limits: \(unpaid.replacing(", habits: tell", with: "")) }]
          platform: { limits: \(unpaid) }
          """, file: "office.yaml", files: [:], attendance: .known([]), by: "anna")
      written = try limits(administration)
    }
    #expect(commanded == written)
    #expect(commanded.count == 4 && !commanded.contains(nil))
  }

  @Test("none takes a limit away, default puts back what holds without a word, and both say so")
  func words() throws {
    try office { administration in
      func set(_ target: LimitTarget, _ values: [LimitOption: String]) throws -> String {
        try administration.setLimits(of: target, change: LimitChange(values), by: "anna")
      }
      func entry() throws -> LimitEntry? {
        try #require(try administration.database.configuration()).document.tenants.first?
          .extensions.first?.limits
      }
      #expect(
        try set(line, [.call: "none", .pricePerMinute: "0.10"])
          == "The limits of extension 101 of office are changed: call none, price per minute 0.1. "
          + "Where it says none, only the limits of its tenant, trunks and the platform hold from now on."
      )
      #expect(try entry()?.spend.callMicros == nil && entry()?.pricePerMinuteMicros == 100_000)
      #expect(
        try set(line, [.call: "default", .internationalHour: "7"])
          == "The limits of extension 101 of office are changed: call 3 (default), "
          + "international per hour 7.")
      #expect(try entry()?.spend.callMicros == 3_000_000 && entry()?.concurrent == 4)
      // At what the tenant says everywhere, it follows the tenant again.
      _ = try set(line, [.pricePerMinute: "default", .internationalHour: "default"])
      #expect(try entry() == nil)
      #expect(
        try set(.tenant("office"), [.day: "default", .basis: "default", .release: "none"])
          == "The limits of tenant office are changed: day none (default), basis as the level above "
          + "(default), release none. Where it says none, only the limits of its extensions, trunks and "
          + "the platform hold from now on.")
    }
  }

  @Test(
    "A change is told by the ledger that takes it over, who knows by whom it is, and by nobody else"
  )
  func toldOnce() throws {
    try office { administration in
      for target in [line, .tenant("office"), .trunk("carrier"), .platform] {
        _ = try administration.setLimits(
          of: target, change: LimitChange([.concurrent: "7"]), by: "eva")
      }
      let scopes = [
        TenantScope(TenantID(1), as: .operator, in: administration.database),
        .platform(in: administration.database),
      ]
      #expect(try scopes.allSatisfy { try $0.alerts().isEmpty })
      #expect(administration.rulebook().appliedBy == "eva")
    }
  }

  @Test("A value that a limit cannot have names its option and the way out, and changes nothing")
  func wrongValues() throws {
    try office { administration in
      let before = try administration.database.configuration()?.document
      for (option, value, way) in [
        (LimitOption.pricePerMinute, "cheap", "12.50, or none"), (.call, "-1", "12.50, or none"),
        (.concurrent, "2.5", "0 or more, or none"), (.internationalDay, "-1", "0 or more, or none"),
        (.prepaid, "none", "true or false"), (.basis, "none", "sell, purchase, or max"),
        (.release, "hour,week", "hour, day and month"), (.habits, "maybe", "stop, tell or off"),
      ] {
        let error = #expect(throws: ConfigurationError.self) {
          try administration.setLimits(
            of: line, change: LimitChange([.hour: "1", option: value]), by: "anna")
        }
        #expect(error?.description.hasPrefix("\(option.rawValue): ") == true)
        #expect(error?.description.contains(way) == true, "\(error as Any)")
      }
      let error = #expect(throws: ConfigurationError.self) {
        try administration.setLimits(
          of: .trunk("carrier"), change: LimitChange([.habits: "tell"]), by: "anna")
      }
      #expect(error?.description.contains("for an extension, a tenant or the platform") == true)
      for target in [LimitTarget.trunk("carrier"), .platform] {
        let refusal = #expect(throws: ConfigurationError.self) {
          try administration.setLimits(
            of: target, change: LimitChange([.prepaid: "true"]), by: "anna")
        }
        #expect(refusal?.description.contains("for an extension or a tenant") == true)
        _ = try administration.setLimits(
          of: target, change: LimitChange([.prepaid: "false"]), by: "anna")
      }
      #expect(throws: (any Error).self) {
        try administration.setLimits(
          of: .platform, change: LimitChange([.concurrent: "1000001"]), by: "anna")
      }
      #expect(try administration.database.configuration()?.document == before)
    }
  }
}
