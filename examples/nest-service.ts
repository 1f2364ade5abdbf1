/** A service on NestJS that uses the module of nest.ts. */
import 'reflect-metadata';
import {
  Body, Controller, Inject, Module, NotFoundException, Param, Put, type DynamicModule,
} from '@nestjs/common';
import { Publisher } from 'freshet-gateway/invalidation';
import { InvalidationModule, type InvalidationModuleOptions } from './nest.ts';
import { Users, type User } from './users.ts';

export class UsersController {
  readonly #users: Users;
  readonly #publisher: Publisher;

  constructor(users: Users, publisher: Publisher) {
    this.#users = users;
    this.#publisher = publisher;
  }

  async rename(id: string, { name }: { name: string }): Promise<User> {
    const user = await this.#users.rename(id, name);
    if (user === undefined) throw new NotFoundException();
    const metadata = { version: user.version };
    await this.#publisher.invalidateUser(id, { action: 'Update', metadata });
    return user;
  }
}
// What `@Put(':id')`, `@Param('id')`, `@Body()` and `@Inject()` do in the class.
const rename = Object.getOwnPropertyDescriptor(UsersController.prototype, 'rename');
Put(':id')(UsersController.prototype, 'rename', rename as PropertyDescriptor);
Param('id')(UsersController.prototype, 'rename', 0);
Body()(UsersController.prototype, 'rename', 1);
Inject(Users)(UsersController, undefined, 0);
Inject(Publisher)(UsersController, undefined, 1);
Controller('users')(UsersController);

class AppModule {}
Module({})(AppModule);

export function appModule(options: InvalidationModuleOptions): DynamicModule {
  return {
    module: AppModule,
    imports: [InvalidationModule.forRoot(options)],
    controllers: [UsersController],
    providers: [Users],
  };
}
