import Elements
import GRDB
import GRDBSQLite

/// A value of one column; nil is NULL.
enum ColumnValue {
  case number(Int64?)
  case text(String?)
}

/// Runs one prepared statement for row after row, within one transaction.
///
/// Each value goes straight to its place. GRDB's way, which boxes every value and looks for names,
/// costs more than SQLite's own work for a row.
struct RowWriter {
  private let statement: Statement
  private let columns: Int

  init(_ sql: String, in db: GRDB.Database) throws {
    statement = try db.cachedStatement(sql: sql)
    // From now on GRDB takes what is bound as it is.
    statement.setUncheckedArguments([])
    columns = Int(sqlite3_bind_parameter_count(statement.sqliteStatement))
  }

  func write(_ values: [ColumnValue]) throws {
    invariant(values.count == columns, "\(values.count) values for \(columns) columns")
    let row = statement.sqliteStatement
    sqlite3_reset(row)
    for (index, value) in values.enumerated() {
      let code =
        switch value {
        case .number(let number?): sqlite3_bind_int64(row, Int32(index + 1), number)
        case .text(var text?): Self.bind(&text, to: row, at: Int32(index + 1))
        case .number(nil), .text(nil): sqlite3_bind_null(row, Int32(index + 1))
        }
      guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
    }
    try statement.execute()
  }

  private static func bind(_ text: inout String, to row: SQLiteStatement, at place: Int32) -> Int32
  {
    // SQLITE_TRANSIENT: SQLite takes a copy.
    let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    return text.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { characters in
        // Without an address it would be NULL, which is something else than empty.
        guard let start = characters.baseAddress else {
          return sqlite3_bind_text(row, place, "", 0, copied)
        }
        return sqlite3_bind_text(row, place, start, Int32(characters.count), copied)
      }
    }
  }
}
