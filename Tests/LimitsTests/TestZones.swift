import Elements
import Foundation

/// Zone rules of the machine that the tests run on.
enum TestZones {
  static func load(_ name: String) throws -> TimeZoneRules {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: "/usr/share/zoneinfo/\(name)"))
    return try TimeZoneRules(name: name, tzif: Array(bytes))
  }
}
