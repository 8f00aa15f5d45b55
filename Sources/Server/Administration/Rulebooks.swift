import Directory
import Elements
import Foundation
import Limits
import Switch

/// Makes of a document what the switch goes by: snapshot, rate decks and time zones.
enum Rulebooks {
  /// - Throws: Everything that is wrong with it, with names of fields.
  static func compile(_ document: inout DirectoryDocument, revision: UInt64) throws -> Rulebook {
    let directory = try DirectoryCompiler.compile(&document, revision: revision)
    var decks: [String: RateDeck] = [:]
    for entry in document.rates {
      guard let currency = Currency(entry.currency) else {
        throw ConfigurationError(
          field: "rates.\(entry.name).currency", problem: "\"\(entry.currency)\" is no currency",
          wayOut: "Write three capital letters, such as EUR.")
      }
      do throws(RateDeckErrors) {
        decks[entry.name] = try RateDeckParser(currency: currency).parse(Array(entry.table.utf8))
      } catch {
        throw ConfigurationError(
          field: entry.file, problem: "\(error)", wayOut: "Mend these lines; nothing was changed.")
      }
    }
    var zones: [String: TimeZoneRules] = [:]
    for tenant in directory.tenants where zones[tenant.timezone] == nil {
      zones[tenant.timezone] = try zone(tenant.timezone, of: tenant.name)
    }
    return Rulebook(directory: directory, decks: decks, zones: zones)
  }

  private static func zone(_ name: String, of tenant: String) throws -> TimeZoneRules {
    // Needs no rules, hence no package that brings them.
    guard name != TimeZoneRules.utc.name else { return .utc }
    let field = "tenants.\(tenant).timezone"
    let isPlain = name.utf8.allSatisfy { byte in
      (65...90).contains(byte) || (97...122).contains(byte) || (48...57).contains(byte)
        || [UInt8(ascii: "/"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+")]
          .contains(byte)
    }
    guard isPlain, let bytes = FileManager.default.contents(atPath: "/usr/share/zoneinfo/" + name)
    else {
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
}
