package import Elements
import Foundation

/// The time zones of this machine, by their IANA names; the package tzdata has all of them.
package enum InstalledZones {
  private static let folder = "/usr/share/zoneinfo/"

  /// Whether there are rules of that name; they are not read.
  package static func has(_ name: String) -> Bool {
    // Needs no rules, hence no package that brings them.
    guard name != TimeZoneRules.utc.name else { return true }
    guard isPlain(name), let file = FileHandle(forReadingAtPath: folder + name) else {
      return false
    }
    defer { try? file.close() }
    return (try? file.read(upToCount: 4)) == Data("TZif".utf8)
  }

  /// The rules of a zone; `field` is what names it, for the message.
  package static func rules(
    _ name: String, for field: String
  ) throws(ConfigurationError) -> TimeZoneRules {
    guard name != TimeZoneRules.utc.name else { return .utc }
    guard isPlain(name), let bytes = FileManager.default.contents(atPath: folder + name) else {
      throw ConfigurationError(
        field: field, problem: "the time zone \"\(name)\" is unknown here",
        wayOut: "Write an IANA name such as Europe/Madrid; the package tzdata brings them.")
    }
    do {
      return try TimeZoneRules(name: name, tzif: Array(bytes))
    } catch {
      throw ConfigurationError(
        field: field, problem: "the rules of \(name) cannot be read: \(error)",
        wayOut: "Install the package tzdata again.")
    }
  }

  /// No name leads out of the folder.
  private static func isPlain(_ name: String) -> Bool {
    !name.hasPrefix("/")
      && name.utf8.allSatisfy {
        (48...57).contains($0) || (97...122).contains($0 | 0x20) || "/_+-".utf8.contains($0)
      }
  }
}
