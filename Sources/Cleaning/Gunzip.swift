import CZlib

extension Gzip {
    /// The bytes of one gzip member, checked against its own sum.
    ///
    /// - Throws: ``CleaningError`` when the bytes are damaged or cut short, or unpack to more than `limit` bytes.
    package static func decompress(_ bytes: [UInt8], limit: Int = 1 << 32) throws(CleaningError) -> [UInt8] {
        var stream = unsafe z_stream()
        guard unsafe inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw CleaningError("decompression_failed", "zlib could not start")
        }
        defer { unsafe inflateEnd(&stream) }
        var input = bytes
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        let code = unsafe input.withUnsafeMutableBufferPointer { source -> Int32 in
            unsafe stream.next_in = source.baseAddress
            unsafe stream.avail_in = UInt32(source.count)
            while true {
                let status = unsafe buffer.withUnsafeMutableBufferPointer { target in
                    unsafe stream.next_out = target.baseAddress
                    unsafe stream.avail_out = UInt32(target.count)
                    return unsafe inflate(&stream, Z_NO_FLUSH)
                }
                output.append(contentsOf: buffer[..<(buffer.count - Int(unsafe stream.avail_out))])
                guard status == Z_OK, output.count <= limit else { return status }
            }
        }
        guard code == Z_STREAM_END, unsafe stream.avail_in == 0 else {
            throw CleaningError("decompression_failed", "not one whole gzip file (zlib says \(code))")
        }
        return output
    }
}
