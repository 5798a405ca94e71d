import Glibc

/// Walks the live pages of a closed or quiet LMDB file by reading it, never by mapping it, so damage gives an error and not a signal.
struct PageWalker {
    /// What an entry belongs to and where its key and value lie in the file.
    struct Entry {
        let table: String
        let key: Range<Int>
        let value: Range<Int>
    }

    private let path: String
    private let bytes: [UInt8]
    private let pageSize: Int

    init(path: String) throws(EventLogError) {
        self.path = path
        bytes = try AtomicFile.read(path)
        // LMDB keeps its page size in the first record of the first page.
        let size = bytes.count >= 44 ? Int(bytes[40]) | Int(bytes[41]) << 8 | Int(bytes[42]) << 16 : 0
        pageSize = [512, 1024, 2048, 4096, 8192, 16_384, 32_768].contains(size) ? size : 4096
    }

    /// Calls `body` with each live entry and whether it is one of the tables' own records.
    func walk(_ body: (Entry, _ isRecord: Bool) -> Void) throws(EventLogError) {
        guard bytes.count >= 2 * pageSize else { throw truncated("it has only \(bytes.count) bytes") }
        let meta = try number(at: 144, as: UInt64.self) >= number(at: pageSize + 144, as: UInt64.self) ? 0 : pageSize
        // Page header 16, magic and version 8, address 8, map size 8; then the records of the free list and of the main table.
        try walk(root: number(at: meta + 40 + 40, as: UInt64.self), table: "", depth: 0) { _, _ in }
        try walk(root: number(at: meta + 88 + 40, as: UInt64.self), table: "", depth: 0, body)
    }

    private func walk(root: UInt64, table: String, depth: Int, _ body: (Entry, Bool) -> Void) throws(EventLogError) {
        guard root != UInt64.max else { return }
        guard depth < 32 else { throw truncated("its pages form a loop") }
        guard root < UInt64(bytes.count / pageSize) else { throw truncated("page \(root) is missing") }
        let page = Int(root) * pageSize
        let flags = try number(at: page + 10, as: UInt16.self)
        guard flags & 3 != 0, try number(at: page, as: UInt64.self) == root else { throw truncated("page \(root) is not a tree page") }
        let lower = Int(try number(at: page + 12, as: UInt16.self))
        guard lower >= 16, lower <= pageSize else { throw truncated("page \(root) has a damaged header") }
        for index in 0..<(lower - 16) / 2 {
            let node = page + Int(try number(at: page + 16 + 2 * index, as: UInt16.self))
            let low = try number(at: node, as: UInt16.self)
            let high = try number(at: node + 2, as: UInt16.self)
            let nodeFlags = try number(at: node + 4, as: UInt16.self)
            let keySize = Int(try number(at: node + 6, as: UInt16.self))
            guard flags & 2 != 0 else {
                try walk(root: UInt64(low) | UInt64(high) << 16 | UInt64(nodeFlags) << 32, table: table, depth: depth + 1, body)
                continue
            }
            let size = Int(low) | Int(high) << 16
            let key = node + 8..<node + 8 + keySize
            guard key.upperBound <= bytes.count else { throw truncated("page \(root) has a damaged entry") }
            var start = key.upperBound
            if nodeFlags & 1 != 0 {
                let first = try number(at: start, as: UInt64.self)
                guard first < UInt64(bytes.count / pageSize) else { throw truncated("page \(first) is missing") }
                start = Int(first) * pageSize + 16
            }
            guard start + size <= bytes.count else { throw truncated("the end of an entry is missing") }
            if nodeFlags & 2 != 0 {
                body(Entry(table: "main", key: key, value: start..<start + size), true)
                let name = String(decoding: bytes[key], as: UTF8.self)
                try walk(root: number(at: start + 40, as: UInt64.self), table: name, depth: depth + 1, body)
            } else {
                body(Entry(table: table, key: key, value: start..<start + size), false)
            }
        }
    }

    private func number<T: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: T.Type) throws(EventLogError) -> T {
        guard offset >= 0, offset + MemoryLayout<T>.size <= bytes.count else { throw truncated("byte \(offset) is missing") }
        return T(littleEndian: unsafe bytes.withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: offset, as: type) })
    }

    private func truncated(_ what: String) -> EventLogError {
        EventLogError(.truncated, "\(path) is cut short or damaged: \(what). Restore the log from a backup, then run `bedrot verify`.")
    }
}
