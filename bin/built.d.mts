export declare function builtProgram(root: string): string
export declare function isBuilt(root: string): boolean
