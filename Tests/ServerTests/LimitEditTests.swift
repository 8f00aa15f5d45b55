import API
import Directory
import Elements
import Foundation
import Server
import Store
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
      by: "anna")
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
      var change = LimitChange()
      change.concurrent = 70 + place
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
}
